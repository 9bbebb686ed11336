import assert from "node:assert/strict";
import { test } from "node:test";

import { SoireeError } from "../../web/static/soiree/errors.js";
import { Ladder, PATIENCE_MS, RETRY_MS } from "../../web/static/soiree/ladder.js";
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

test("on the WebSocket, WebRTC is tried again after 10, 20, 40, 60, 60 s", async (t) => {
  const { ladder, made, better, kindsMade } = climb(t);
  made[0].refuse("lost");
  await turn();
  made[1].open();
  await turn();
  ladder.confirm();
  for (const seconds of [10, 20, 40, 60, 60]) {
    const before = made.length;
    t.mock.timers.tick(seconds * 1000 - 1);
    assert.equal(made.length, before, `earlier than ${seconds} s`);
    t.mock.timers.tick(1);
    assert.equal(made.length, before + 1, `not after ${seconds} s`);
    made.at(-1).refuse("lost");
    await turn();
  }
  t.mock.timers.tick(RETRY_MS.last);
  made.at(-1).open();
  await turn();
  assert.deepEqual([kindsMade().filter((kind) => kind === "websocket").length, better.at(-1)[0]], [1, made.at(-1)]);
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
