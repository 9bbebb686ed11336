import assert from "node:assert/strict";
import test from "node:test";

import { CHECKS, adviceFor, reportOf, verdict } from "../../../web/static/doctor/findings.js";

/** @param {Record<string, string>} outcomes */
const findings = (outcomes) => Object.keys(CHECKS).map((check) => ({ check, outcome: /** @type {any} */ (outcomes[check] ?? "fails"), rttMs: 12.34 }));
const WELL = { http: "works", join: "works" };

test("the best way that works is the verdict", () => {
  assert.match(verdict(findings({ ...WELL, webrtc: "works", websocket: "works" })).words, /directly over UDP, 12 ms/);
  assert.match(verdict(findings({ ...WELL, websocket: "works", "turn-tcp": "works" })).words, /over the WebSocket/);
  const stayed = findings({ ...WELL, websocket: "works", "turn-tcp": "works" });
  Object.assign(/** @type {object} */ (stayed.find(({ check }) => check === "webrtc")), { code: "only-turn-tcp" });
  assert.match(verdict(stayed).words, /TURN over TCP/);
  assert.match(verdict(findings({ ...WELL, websocket: "works" })).words, /over the WebSocket/);
});

test("without a way, a room or a server nobody gets in", () => {
  for (const outcomes of [{}, { http: "works" }, WELL, { ...WELL, stun: "works" }]) {
    assert.equal(verdict(findings(outcomes)).canGetIn, false);
  }
});

test("every check that can fail comes with advice, and nothing else does", () => {
  for (const check of Object.keys(CHECKS)) {
    assert.ok(adviceFor({ check, outcome: "fails" }), check);
    for (const outcome of /** @type {const} */ (["works", "absent", "skipped"])) assert.equal(adviceFor({ check, outcome }), null);
  }
  assert.notEqual(adviceFor({ check: "join", outcome: "fails", code: "rate" }), adviceFor({ check: "join", outcome: "fails" }));
});

test("a report holds addresses only if asked to", () => {
  const found = [{ check: "stun", outcome: /** @type {const} */ ("works"), detail: "203.0.113.9" }, { check: "webrtc", outcome: /** @type {const} */ ("works"), detail: "2001:db8::17 and [fe80::1]" }];
  const about = { browser: "A browser 5.0", at: "2026-01-02T03:04:05Z" };
  const without = reportOf(found, { ...about, addresses: false });
  assert.ok(!/203|2001|fe80/.test(without), without);
  assert.match(without, /\(address\)/);
  assert.match(reportOf(found, { ...about, addresses: true }), /203\.0\.113\.9/);
});
