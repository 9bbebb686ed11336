import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { closingWords, doorWords, figure, grantWords, percent, refusalWords, rungWords } from "../../../web/static/room/words.js";

const protocol = readFileSync(new URL("../../../docs/PROTOCOL.md", import.meta.url), "utf8");

test("every refusal of the protocol that a page can meet has words of its own", () => {
  const line = /Refusals: ([\s\S]*?)\n\n/u.exec(protocol)?.[1] ?? "";
  const reasons = [...line.matchAll(/`([a-z-]+)`/gu)].map(([, reason]) => reason ?? "");
  assert.ok(reasons.length > 15, "the list in PROTOCOL.md was not found");
  for (const reason of reasons) {
    if (["malformed", "state"].includes(reason)) continue; // a defect of the page, not of what its visitor did
    assert.doesNotMatch(refusalWords(reason), /The relay said no/, reason);
  }
});

test("every cause of a grant has words of its own", () => {
  const line = /`cause` of granted: (.*)/u.exec(protocol)?.[1] ?? "";
  const causes = [...line.matchAll(/`([a-z-]+)`/gu)].map(([, cause]) => cause ?? "").filter((cause) => !cause.startsWith("with-") && cause !== "persistent");
  assert.ok(causes.length >= 8);
  for (const cause of causes) assert.doesNotMatch(grantWords(cause, "Bob", "ball 4"), /Bob has ball/, cause);
});

test("a WebSocket that nobody asked for says that UDP seems blocked", () => {
  assert.equal(rungWords("direct"), "direct UDP");
  assert.equal(rungWords("websocket"), "WebSocket: UDP seems blocked");
  assert.equal(rungWords("websocket", "websocket"), "WebSocket");
  assert.equal(rungWords(null), "connecting…");
});

test("a password is asked for where one is missing or wrong, and nowhere else", () => {
  assert.equal(doorWords("password-needed", "").ask, "password");
  assert.equal(doorWords("wrong-password", "").ask, "password");
  assert.match(doorWords("wrong-password", "").text, /wrong/);
  for (const code of ["room-full", "room-locked", "unknown-room", "unreachable", "whatever"]) assert.equal(doorWords(code, "x").ask, null);
});

test("the server's own words are shown for a full room and for what the page does not know", () => {
  assert.equal(doorWords("room-full", "The room is full (16 of 16).").text, "The room is full (16 of 16).");
  assert.equal(doorWords("odd", "Odd things happened.").text, "Odd things happened.");
});

test("whoever was shown out is not invited back", () => {
  assert.equal(closingWords("kicked").again, false);
  assert.equal(closingWords("shutdown").again, true);
  assert.match(closingWords("unheard-of").text, /unheard-of/);
});

test("whoever closed the room is told so, and nobody else", () => {
  assert.equal(closingWords("closed", "", true).title, "You closed the room");
  assert.equal(closingWords("closed").title, "The room has closed");
  assert.equal(closingWords("kicked", "", true).title, "The host showed you out");
});

test("what one got oneself is told to oneself", () => {
  assert.equal(grantWords("answer", "You", "box 2"), "You got box 2");
  assert.equal(grantWords("resume", "You", "box 2"), "You have again box 2");
  assert.equal(grantWords("resume", "Bob", "box 2"), "Bob has again box 2");
});

test("figures are short, and unknown ones are a dash", () => {
  assert.equal(figure(3.456, "ms"), "3.5 ms");
  assert.equal(figure(34.56, "ms"), "35 ms");
  assert.equal(figure(345.6, "ms"), "346 ms");
  assert.equal(figure(0, "kbit/s"), "0 kbit/s");
  assert.equal(figure(NaN, "ms"), "–");
  assert.equal(percent(0), "0 %");
  assert.equal(percent(0.0123), "1.2 %");
  assert.equal(percent(0.5), "50 %");
});
