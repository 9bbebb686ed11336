import assert from "node:assert/strict";
import { test } from "node:test";

import { SoireeError } from "../../web/static/soiree/errors.js";
import { Ladder, PATIENCE_MS, RETRY_MS, SOON_TRIES } from "../../web/static/soiree/ladder.js";
import { LoopbackTransport } from "./loopback.js";

const turn = () => new Promise((resolve) => setImmediate(resolve));

/** A ladder whose transports open when the test says so, under a clock that it turns. */
function climb(t, kinds = ["webrtc", "websocket"]) {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  t.mock.method(Math, "random", () => 0.5);
  const made = [];
  const better = [];
  const failed = [];
  const ladder = new Ladder({
    kinds,
    make: (kind) => (made.push(new LoopbackTransport(kind, () => {})), made.at(-1)),
    onBetter: (transport, why) => better.push([transport, why]),
    onFailed: (error) => failed.push(error),
  });
  ladder.start();
  t.after(() => ladder.stop());
  return { ladder, made, better, failed, kindsMade: () => made.map(({ kind }) => kind) };
}

test("WebRTC alone, while it is quick", async (t) => {
  const { ladder, made, better, kindsMade } = climb(t);
  made[0].open();
  await turn();
  ladder.confirm();
  t.mock.timers.tick(PATIENCE_MS + 1);
  assert.deepEqual([kindsMade(), better], [["webrtc"], [[made[0], ""]]]);
});

test("the WebSocket beside it after 1.5 s; WebRTC still wins when it comes", async (t) => {
  const { ladder, made, better, kindsMade } = climb(t);
  t.mock.timers.tick(PATIENCE_MS - 1);
  assert.deepEqual(kindsMade(), ["webrtc"]);
  t.mock.timers.tick(1);
  assert.deepEqual(kindsMade(), ["webrtc", "websocket"]);
  made[1].open();
  await turn();
  ladder.confirm();
  made[0].open();
  await turn();
  assert.deepEqual(better.map(([{ kind }]) => kind), ["websocket", "webrtc"]);
  assert.match(better[0][1], /1.5 s/);
});

test("a WebSocket that fails is tried again while WebRTC is still on its way", async (t) => {
  const { made, better, kindsMade } = climb(t);
  t.mock.timers.tick(PATIENCE_MS);
  made[1].refuse("refused");
  await turn();
  t.mock.timers.tick(PATIENCE_MS);
  assert.deepEqual(kindsMade(), ["webrtc", "websocket", "websocket"]);
  made[2].open();
  await turn();
  assert.deepEqual(better.map(([transport]) => transport), [made[2]]);
});

test("WebRTC that comes first stops the WebSocket's attempt", async (t) => {
  const { made, better } = climb(t);
  t.mock.timers.tick(PATIENCE_MS);
  made[0].open();
  await turn();
  assert.equal(made[1].state, "closed");
  assert.equal(better.length, 1);
});

test("WebRTC that connects and stays mute gives way to the WebSocket, and is tried again", async (t) => {
  const { ladder, made, better, kindsMade } = climb(t);
  made[0].open();
  await turn();
  t.mock.timers.tick(PATIENCE_MS);
  assert.deepEqual(kindsMade(), ["webrtc", "websocket"]);
  made[1].open();
  await turn();
  ladder.confirm();
  assert.deepEqual(better.at(-1), [made[1], "WebRTC connected, and stayed mute"]);
  t.mock.timers.tick(RETRY_MS.first);
  made[2].open();
  await turn();
  assert.deepEqual(better.at(-1), [made[2], ""]);
});

test("one hello at a time: WebRTC that opens while the WebSocket's is unanswered waits for the welcome", async (t) => {
  const { ladder, made, better } = climb(t);
  t.mock.timers.tick(PATIENCE_MS);
  made[1].open();
  made[0].open();
  await turn();
  assert.deepEqual(better.map(([transport]) => transport), [made[1]]);
  ladder.confirm();
  await turn();
  assert.deepEqual(better.map(([transport]) => transport), [made[1], made[0]]);
});

test("or for the WebSocket's end", async (t) => {
  const { ladder, made, better } = climb(t);
  t.mock.timers.tick(PATIENCE_MS);
  made[1].open();
  made[0].open();
  await turn();
  made[1].refuse("session-gone");
  assert.equal(ladder.lost(new SoireeError("session-gone", "gone")), true);
  assert.equal(better.at(-1)[0], made[0]);
});

test("a welcome on WebRTC that seemed mute ends the WebSocket's attempt", async (t) => {
  const { ladder, made, better, kindsMade } = climb(t);
  made[0].open();
  await turn();
  t.mock.timers.tick(PATIENCE_MS);
  ladder.confirm();
  assert.deepEqual([kindsMade(), made[1].state, better.length], [["webrtc", "websocket"], "closed", 1]);
  t.mock.timers.tick(RETRY_MS.last);
  assert.equal(made.length, 2);
});

test("where the WebSocket is lost before its welcome, WebRTC goes on alone, and the WebSocket comes again", async (t) => {
  const { ladder, made, kindsMade } = climb(t);
  t.mock.timers.tick(PATIENCE_MS);
  made[1].open();
  await turn();
  assert.equal(ladder.lost(new SoireeError("session-gone", "gone")), true);
  t.mock.timers.tick(PATIENCE_MS);
  assert.deepEqual([kindsMade(), made[0].state], [["webrtc", "websocket", "websocket"], "new"]);
});

test("with nothing else on its way, a loss is the link's affair", async (t) => {
  const { ladder, made } = climb(t, ["websocket"]);
  made[0].open();
  await turn();
  assert.equal(ladder.lost(new SoireeError("lost", "lost")), false);
});

test("a failure of WebRTC is not waited for", async (t) => {
  const { made, better, kindsMade } = climb(t);
  made[0].refuse("unavailable", "no UDP here");
  await turn();
  assert.deepEqual(kindsMade(), ["webrtc", "websocket"]);
  made[1].open();
  await turn();
  assert.deepEqual(better, [[made[1], "WebRTC failed: no UDP here"]]);
});

test("where there is no WebRTC the WebSocket is taken at once, and kept", async (t) => {
  const { made, better, kindsMade } = climb(t, ["websocket"]);
  made[0].open();
  await turn();
  t.mock.timers.tick(10 * RETRY_MS.last);
  assert.deepEqual([kindsMade(), better.length], [["websocket"], 1]);
});

test("failure is told once all have failed, with the last error", async (t) => {
  const { made, failed } = climb(t);
  t.mock.timers.tick(PATIENCE_MS);
  made[1].refuse("rate");
  await turn();
  assert.deepEqual(failed, []);
  made[0].refuse("lost");
  await turn();
  assert.deepEqual(failed.map(({ code }) => code), ["lost"]);
});

test("nothing that works here is a failure too", async (t) => {
  const { failed } = climb(t, []);
  await turn();
  assert.deepEqual(failed.map(({ code }) => code), ["unavailable"]);
});

test("a transport that does not open in 10 s has failed", async (t) => {
  const { failed } = climb(t, ["webrtc"]);
  t.mock.timers.tick(10000);
  await turn();
  assert.deepEqual(failed.map(({ code }) => code), ["timeout"]);
});

test("stopping closes what was under way, and nothing is told any more", async (t) => {
  const { ladder, made, better, failed } = climb(t);
  t.mock.timers.tick(PATIENCE_MS);
  ladder.stop();
  await turn();
  assert.deepEqual([made.map(({ state }) => state), better, failed], [["closed", "closed"], [], []]);
});

/** A ladder that stands on the WebSocket, its WebRTC attempts all refused so far. */
async function onWebSocket(t) {
  const climbed = climb(t);
  t.mock.timers.tick(PATIENCE_MS);
  climbed.made[0].refuse("failed");
  climbed.made[1].open();
  await turn();
  climbed.ladder.confirm();
  return climbed;
}

test("from the WebSocket WebRTC is tried soon for a while, then ever less often", async (t) => {
  const { made } = await onWebSocket(t);
  const waits = [];
  for (let tries = 0; tries < SOON_TRIES + 5; tries++) {
    const before = made.length;
    let waitedMs = 0;
    for (; made.length === before; waitedMs += 1000) t.mock.timers.tick(1000);
    waits.push(waitedMs);
    made.at(-1).refuse("failed");
    await turn();
  }
  assert.ok(waits.slice(0, SOON_TRIES).every((ms) => ms === RETRY_MS.first), String(waits));
  assert.equal(waits.at(-1), RETRY_MS.last);
});

test("another network: WebRTC is tried at once, and soon again", async (t) => {
  const { ladder, made, better } = await onWebSocket(t);
  ladder.networkChanged();
  ladder.networkChanged();
  assert.equal(made.length, 3);
  made[2].open();
  await turn();
  assert.equal(better.at(-1)[0], made[2]);
});

test("another network: WebRTC that works is replaced by WebRTC over the new one, or stays", async (t) => {
  const { ladder, made, better } = climb(t);
  made[0].open();
  await turn();
  ladder.networkChanged();
  assert.equal(made.length, 1, "not while it is only coming up");
  ladder.confirm();
  ladder.networkChanged();
  made[1].refuse("failed");
  await turn();
  t.mock.timers.tick(RETRY_MS.last);
  assert.deepEqual([made.length, better.length], [2, 1]);
  ladder.networkChanged();
  made[2].open();
  await turn();
  assert.deepEqual(better.map(([transport]) => transport), [made[0], made[2]]);
});
