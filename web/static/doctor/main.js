/** The page for who cannot get in: goes every way there is, and says what works and what to do. */

import { find, make } from "../parts/dom.js";
import { CHECKS, adviceFor, inMs, reportOf, verdict } from "./findings.js";
import { admission, closeRoom, makeRoom, probeHttp, probeStay, probeStun, probeTurn } from "./probes.js";

/** @typedef {import("./findings.js").Finding} Finding */

const WORDS = Object.freeze({ works: "works", fails: "fails", absent: "not offered here", skipped: "not tried" });

const list = find("#checks", HTMLElement);
const sentence = find("#verdict", HTMLElement);
const advice = find("#advice", HTMLElement);
const again = find("#again", HTMLButtonElement);
const copy = find("#copy", HTMLButtonElement);
const withAddresses = find("#with-addresses", HTMLInputElement);
const copied = find("#copied", HTMLElement);

/** @type {Finding[]} */
let findings = [];

/** @param {string} check @param {string} outcome @param {string} words */
function show(check, outcome, words) {
  const row = find(`[data-check="${check}"]`, HTMLElement, list);
  row.dataset.outcome = outcome;
  find(".outcome", HTMLElement, row).textContent = words;
}

/** @param {Finding} finding */
function note(finding) {
  findings.push(finding);
  const { check, outcome, rttMs, detail } = finding;
  show(check, outcome, [WORDS[outcome], typeof rttMs === "number" ? inMs(rttMs) : "", detail ?? ""].filter(Boolean).join(" · "));
  const words = adviceFor(finding);
  if (words) {
    advice.append(make("li", { "data-advice": check }, make("strong", {}, `${CHECKS[/** @type {keyof typeof CHECKS} */ (check)]}: `), words));
  }
}

/** @param {string} check @param {() => Promise<Finding>} probe */
async function examine(check, probe) {
  show(check, "under-way", "…");
  note(await probe());
}

/** All checks, one after the other: side by side they would be in each other's way. */
async function examineAll() {
  findings = [];
  advice.replaceChildren();
  list.replaceChildren(...Object.entries(CHECKS).map(([check, name]) => make(
    "li", { "data-check": check, "data-outcome": "waiting" }, make("span", { class: "what" }, name), make("span", { class: "outcome" }, ""),
  )));
  sentence.textContent = "Trying every way in…";
  delete document.body.dataset.verdict;
  again.disabled = copy.disabled = true;
  await examine("http", probeHttp);
  const room = findings[0].outcome === "works" ? await examineRoom() : null;
  for (const check of Object.keys(CHECKS)) {
    if (!findings.some((finding) => finding.check === check)) note({ check, outcome: "skipped" });
  }
  const { canGetIn, words } = verdict(findings);
  sentence.textContent = words;
  document.body.dataset.verdict = canGetIn ? "in" : "out";
  again.disabled = copy.disabled = false;
  if (room) await closeRoom(room);
}

async function examineRoom() {
  show("join", "under-way", "…");
  const { finding, room } = await makeRoom();
  note(finding);
  if (!room) return null;
  const { ice_servers: servers, transports } = await admission(room);
  await examine("websocket", () => probeStay(room, "websocket"));
  if (transports.includes("webrtc")) await examine("webrtc", () => probeStay(room, "webrtc"));
  else note({ check: "webrtc", outcome: "absent" });
  if (typeof RTCPeerConnection !== "function") return room;
  await examine("stun", () => probeStun(servers));
  await examine("turn-udp", () => probeTurn("turn-udp", servers, (url) => url.startsWith("turn:") && !url.endsWith("transport=tcp")));
  await examine("turn-tcp", () => probeTurn("turn-tcp", servers, (url) => url.startsWith("turn:") && url.endsWith("transport=tcp")));
  await examine("turn-tls", () => probeTurn("turn-tls", servers, (url) => url.startsWith("turns:")));
  return room;
}

async function copyReport() {
  const text = reportOf(findings, { addresses: withAddresses.checked, browser: navigator.userAgent, at: new Date().toISOString() });
  try {
    await navigator.clipboard.writeText(text);
    copied.textContent = "Copied. Send it to whoever runs this server.";
  } catch {
    copied.textContent = "";
    copied.append("This page may not copy; here it is: ", make("textarea", { readonly: true, rows: "12", "aria-label": "Report" }, text));
  }
}

const start = () => examineAll().catch((error) => {
  sentence.textContent = `The examination itself has failed: ${error instanceof Error ? error.message : error}`;
  document.body.dataset.verdict = "failed";
  again.disabled = false;
});
again.addEventListener("click", start);
copy.addEventListener("click", copyReport);
void start();
