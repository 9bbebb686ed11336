import assert from "node:assert/strict";
import { test } from "node:test";

import { ClosedError, join, JoinError, RefusedError } from "../../web/static/soiree/index.js";
import { CHILD, decodePlaced } from "../../web/static/soiree/sections.js";
import { encodeData, encodeState } from "../../web/static/soiree/state.js";
import { STATE } from "../../web/static/soiree/transports/transport.js";
import { enter, ME } from "./entered_room.js";
import { placed, transform } from "./relay_messages.js";

const OTHER = 3;
const grants = { spawn: ({ kind, rule, parent }) => ["spawned", { entity: 9, kind, rule, parent, owner: ME, master: ME }] };

test("join gives a room with ourselves in it, over the ticket and then the resume token", async () => {
  const { room, relay } = await enter();
  assert.deepEqual([room.id, room.code, room.name, room.peerId, room.isHost, room.connected], ["id", "code", "Room", ME, true, true]);
  assert.deepEqual([...room.peers.values()], [{ id: ME, name: "Ada", away: false, self: true }]);
  const { rung, why } = await room.once("rung");
  assert.deepEqual([rung, room.rung], ["websocket", "websocket"]);
  assert.match(why, /no WebRTC/);
  const lost = room.once("reconnecting");
  relay.cut();
  assert.deepEqual(await lost, { reason: "lost" });
  assert.equal(room.rung, null);
  await room.once("resumed");
  assert.deepEqual(relay.urls.map((url) => url.searchParams.get("token")), ["ticket", "resume"]);
});

test("spawn resolves with the entity, after its event", async () => {
  const { room, relay } = await enter(grants);
  const told = room.once("spawned");
  const entity = await room.spawn("ball", { position: [1, 2, 3], rule: "allow", properties: { a: 1 } });
  assert.equal((await told).entity, entity);
  assert.deepEqual([entity.id, entity.isMine, entity.isMastered, entity.rule, room.entities.get(9)], [9, true, true, "allow", entity]);
  const [spawn] = relay.applied;
  assert.deepEqual([spawn.kind, spawn.rule, spawn.lifetime, spawn.parent, spawn.attach_rule, spawn.condition], ["ball", "allow", "with-master", 0, "allow", null]);
  assert.deepEqual(decodePlaced(spawn.state).transform.position, [1, 2, 3]);
});

test("a passenger is spawned in its parent's frame of reference, under a condition", async () => {
  const { room, relay, say } = await enter(grants);
  say("spawned", { entity: 4, owner: ME });
  await room.once("spawned");
  const car = room.entities.get(4);
  await room.spawn("hat", { position: [0, 1, 0], parent: car, condition: { entity: car, epoch: 7 }, props: Uint8Array.of(1) });
  assert.deepEqual([relay.applied[0].parent, relay.applied[0].condition], [4, [4, 7]]);
  const { transform: there, props } = decodePlaced(relay.applied[0].state);
  assert.deepEqual([there.section, there.position, props], [CHILD, [0, 1, 0], Uint8Array.of(1)]);
});

test("a refusal says why, of what, and who has it", async () => {
  const { room, say } = await enter({ request: ({ entity }) => ["refused", { entity, reason: "stale", owner: OTHER, epoch: 5 }] });
  say("spawned", { entity: 9, owner: OTHER, epoch: 4 });
  await room.once("spawned");
  await assert.rejects(room.entities.get(9).request("please"), (error) => {
    assert.ok(error instanceof RefusedError);
    assert.deepEqual([error.reason, error.entity, error.owner, error.epoch], ["stale", 9, OTHER, 5]);
    assert.match(error.message, /faster/);
    return true;
  });
});

test("each command of an entity says what it is to say", async () => {
  const { room, relay, say } = await enter(grants);
  const entity = await room.spawn("ball", { position: [0, 0, 0] });
  relay.applied.length = 0;
  await entity.assign(OTHER, { subtree: true });
  await entity.release();
  await entity.setRule("deny", { fallback: "allow" });
  await entity.setMaster(OTHER);
  await entity.setLifetime("persistent");
  await entity.setAttachRule("owner");
  await entity.setProperties({ a: null });
  await entity.despawn({ children: "along" });
  await room.sendEvent("chat", { text: "hi" }, { to: -OTHER, entity });
  await room.send(Uint8Array.of(1), { reliable: true, to: OTHER });
  await room.setView([1, 2, 3], 50);
  await room.setBudget(64);
  assert.deepEqual(relay.applied.map(({ type, n: _, ...fields }) => [type, ...Object.values(fields)]), [
    ["assign", 9, OTHER, true], ["release", 9], ["set_rule", 9, "deny", 2000, "allow"], ["set_master", 9, OTHER], ["set_lifetime", 9, "persistent"],
    ["set_attach_rule", 9, "owner"], ["set_properties", 9, { a: null }], ["despawn", 9, "along"], ["send_event", "chat", { text: "hi" }, -OTHER, 9, null],
    ["send_data", OTHER, Uint8Array.of(1)], ["view", 1, 2, 3, 50], ["budget", 64],
  ]);
  say("despawned", { entity: 9, reason: "despawn" });
  await room.once("despawned");
});

test("what we move goes up, until it is ours no longer", async () => {
  const { room, relay, say } = await enter(grants);
  const entity = await room.spawn("ball", { position: [0, 0, 0] });
  entity.set({ position: [5, 0, 0] });
  const moved = () => relay.frames.filter(({ records }) => records?.length);
  while (!moved().length) await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(moved()[0].records[0].position, [5, 0, 0]);
  say("granted", { entity: 9, owner: OTHER, epoch: 1, cause: "lapse" });
  assert.deepEqual((await room.once("changed")).cause, "lapse");
  relay.frames.length = 0;
  while (relay.frames.length < 2) await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(moved(), []);
  assert.throws(() => entity.set({ position: [6, 0, 0] }), { code: "not-owner" });
});

test("a move that was refused goes up again as a teleport, if it is ours still", async () => {
  const { room, relay, say } = await enter(grants);
  const entity = await room.spawn("ball", { position: [0, 0, 0] });
  entity.set({ position: [1, 0, 0] });
  const moves = () => relay.frames.flatMap(({ records }) => records ?? []);
  const seen = async (isIt) => {
    while (!moves().some(isIt)) await new Promise((resolve) => setImmediate(resolve));
  };
  await seen(({ teleport }) => !teleport);
  const told = room.once("refused");
  say("refused", { re: 0, entity: 9, reason: "speed", owner: ME });
  assert.deepEqual(await told, { entity, reason: "speed" });
  await seen(({ teleport, position }) => teleport && position[0] === 1);
  say("granted", { entity: 9, owner: OTHER, epoch: 1, cause: "lapse" });
  say("refused", { re: 0, entity: 9, reason: "speed", owner: OTHER });
  await room.once("refused");
  relay.frames.length = 0;
  while (relay.frames.length < 2) await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(moves(), []);
});

test("what we wrote before we heard of a new parent goes up again, but where it was", async () => {
  const { room, relay, say } = await enter(grants);
  const entity = await room.spawn("ball", { position: [0, 0, 0] });
  entity.set({ position: [1, 0, 0] });
  entity.setProps(Uint8Array.of(7));
  const records = () => relay.frames.flatMap(({ records: some }) => some ?? []);
  while (records().length < 2) await new Promise((resolve) => setImmediate(resolve));
  const ack = { seq: relay.frames.at(-1).seq, mask: 0xffffffff };
  relay.current.deliver(STATE, encodeState({ seq: 0, tick: 200, base: { cx: 0, cz: 0, y: 0 }, ack, controlApplied: 0 }, []));
  say("parent_set", { entity: 9, parent: 0, attach: 1 });
  await room.once("changed");
  relay.frames.length = 0;
  while (!records().length) await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(records().map(({ slot, bytes }) => [slot, bytes]), [["props", Uint8Array.of(7)]]);
});

test("an ask is answered once", async () => {
  const { room, relay, say } = await enter();
  say("peer_joined", { peer: OTHER, name: "Bob" });
  say("spawned", { entity: 9 });
  const before = Date.now();
  say("ask", { ticket: 77, entity: 9, peer: OTHER, note: "please", timeout_ms: 1500 });
  const { ask } = await room.once("ask");
  assert.deepEqual([ask.entity, ask.peer.name, ask.note, ask.timeoutMs], [room.entities.get(9), "Bob", "please", 1500]);
  assert.ok(ask.deadlineMs >= before + 1500 && ask.deadlineMs < before + 5000);
  await ask.allow();
  await ask.deny();
  assert.deepEqual(relay.applied.map(({ type, ticket, allow }) => [type, ticket, allow]), [["answer", 77, true]]);
});

test("state and data come as events, and a listener that throws disturbs nobody", async (t) => {
  const { room, relay, say } = await enter();
  say("spawned", { entity: 9, owner: OTHER });
  await room.once("spawned");
  const errors = [];
  globalThis.reportError = (error) => errors.push(error.message);
  t.after(() => delete globalThis.reportError);
  const stop = room.on("state", () => {
    throw new Error("mine");
  });
  const next = room.once("state");
  const header = { seq: 0, tick: 200, base: { cx: 0, cz: 0, y: 0 }, ack: null, controlApplied: 0 };
  relay.current.deliver(STATE, encodeState(header, [transform(9, 3)]));
  const { entities, tick } = await next;
  assert.deepEqual([[...entities].map(({ position }) => position[0]), tick], [[3], 200]);
  assert.deepEqual(errors, ["mine"]);
  stop();
  relay.current.deliver(STATE, encodeData(OTHER, Uint8Array.of(5)));
  assert.deepEqual(await room.once("data"), { from: OTHER, bytes: Uint8Array.of(5), reliable: false });
});

test("when it closes, what was under way is told so", async () => {
  const { room, relay, say } = await enter();
  say("spawned", { entity: 9, owner: OTHER });
  await room.once("spawned");
  relay.say = () => {};
  const request = assert.rejects(room.entities.get(9).request(), (error) => error instanceof ClosedError && error.reason === "kicked");
  while (!relay.applied.length) await new Promise((resolve) => setImmediate(resolve));
  const closed = room.once("closed");
  relay.cut("kicked");
  assert.equal((await closed).reason, "kicked");
  await request;
  await assert.rejects(room.sendEvent("chat"), { code: "closed" });
  assert.equal(await room.send(Uint8Array.of(1)), false);
});

test("stats have the figures of a status line", async () => {
  const { room, say } = await enter();
  say("spawned", { entity: 9, owner: OTHER });
  await room.once("spawned");
  const stats = room.stats();
  assert.equal(stats.transport, "websocket");
  assert.equal(stats.controlApplied, 1);
  for (const [name, value] of Object.entries(stats)) assert.ok(["transport", "rung", "why"].includes(name) || Number.isFinite(value), name);
});

test("a name that nothing listens at is a JoinError", async () => {
  await assert.rejects(join({ url: "http://127.0.0.1:9", room: "x", name: "Ada" }), (error) => error instanceof JoinError && error.code === "unreachable");
});
