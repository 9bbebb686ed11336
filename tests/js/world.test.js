import assert from "node:assert/strict";
import { test } from "node:test";

import { CHILD, encodePlaced, MOVE, POSE, PROPS } from "../../web/static/soiree/sections.js";
import { World } from "../../web/static/soiree/world.js";
import { message, placed, transform } from "./relay_messages.js";

const ME = 2;
const OTHER = 3;

/** A world of peers 2 (ourselves) and 3, and the events it gives. */
function open() {
  const events = [];
  const commands = [];
  const host = { peerId: ME, relaySecondsAt: () => 100 / 60, command: async (command) => void commands.push(command), setState: (record) => world.wrote(record.entity, record.slot) };
  const world = new World((type, detail) => events.push([type, detail]), host);
  Object.defineProperty(host, "entities", { get: () => world.entities });
  world.peerId = ME;
  for (const peer of [ME, OTHER]) world.apply(message("peer_joined", { peer, name: `peer ${peer}` }));
  const say = (type, fields) => world.apply(message(type, fields));
  const frame = (tick, ...records) => world.applyFrame({ tick, records });
  return { world, events, commands, say, frame, types: () => events.map(([type]) => type), last: () => events.at(-1)[1] };
}

test("peers come, go away, come back and leave", () => {
  const { world, say, events, types } = open();
  assert.deepEqual([...world.peers.values()].map(({ id, self }) => [id, self]), [[ME, true], [OTHER, false]]);
  say("peer_away", { peer: OTHER, away: true });
  assert.equal(world.peers.get(OTHER).away, true);
  say("peer_left", { peer: OTHER, reason: "bye" });
  say("peer_left", { peer: 99, reason: "bye" });
  assert.deepEqual(types(), ["peer-joined", "peer-joined", "peer-away", "peer-left"]);
  assert.equal(events.at(-1)[1].reason, "bye");
  assert.equal(world.peers.size, 1);
});

test("spawned tells everything of an entity", () => {
  const { world, say, last } = open();
  say("spawned", { entity: 9, kind: "car", owner: ME, master: OTHER, rule: "allow", epoch: 4, lifetime: "persistent", properties: { a: 1 }, state: placed(12) });
  const entity = world.entities.get(9);
  assert.equal(last().entity, entity);
  assert.deepEqual([entity.kind, entity.owner, entity.master, entity.rule, entity.epoch, entity.lifetime], ["car", ME, OTHER, "allow", 4, "persistent"]);
  assert.deepEqual([entity.isMine, entity.isMastered, entity.parent, entity.position, entity.properties], [true, false, null, [12, 0, 0], { a: 1 }]);
  assert.equal(entity.uuid, "00010203-0405-0607-0809-0a0b0c0d0e0f");
});

test("state goes to what is known, once per frame, newest wins", () => {
  const { world, say, frame, events } = open();
  for (const entity of [9, 10]) say("spawned", { entity, owner: OTHER });
  const before = events.length;
  frame(110, transform(9, 1), transform(10, 2), transform(77, 3));
  frame(105, transform(9, 50));
  frame(111, transform(9, 4, { section: MOVE, age: 5, velocity: [1, 0, 0] }));
  assert.deepEqual([world.entities.get(9).position[0], world.entities.get(10).position[0]], [4, 2]);
  assert.equal(world.entities.get(9).tick, 106);
  assert.deepEqual(events.slice(before).map(([type, { entities }]) => [type, entities.size]), [["state", 2], ["state", 1]]);
  assert.equal(world.ignored, 2);
});

test("a frame from before the spawned, the grant or the new parent changes nothing", () => {
  const { world, say, frame } = open();
  say("spawned", { entity: 9, owner: OTHER, tick: 100, state: placed(1) });
  frame(99, transform(9, 50));
  assert.equal(world.entities.get(9).position[0], 1);
  say("granted", { entity: 9, owner: 4, epoch: 1, tick: 200 });
  frame(199, transform(9, 60));
  assert.equal(world.entities.get(9).position[0], 1);
  frame(200, transform(9, 2));
  assert.equal(world.entities.get(9).position[0], 2);
  say("spawned", { entity: 8 });
  say("parent_set", { entity: 9, parent: 8, attach: 7, tick: 300, state: placed(0.5, { section: CHILD }) });
  frame(299, transform(9, 70, { section: CHILD, attach: 7 }));
  assert.equal(world.entities.get(9).position[0], 0.5);
});

test("ticks are compared across their wrap", () => {
  const { world, say, frame } = open();
  say("spawned", { entity: 9, owner: OTHER, tick: 2 ** 32 - 5 });
  frame(3, transform(9, 1));
  frame(2 ** 32 - 1, transform(9, 2));
  assert.equal(world.entities.get(9).position[0], 1);
});

test("a child takes only records of its own riding", () => {
  const { world, say, frame } = open();
  say("spawned", { entity: 8 });
  say("spawned", { entity: 9, owner: OTHER, parent: 8, attach: 3, state: placed(1, { section: CHILD }) });
  frame(101, transform(9, 50));
  frame(102, transform(9, 51, { section: CHILD, attach: 2 }));
  assert.equal(world.entities.get(9).position[0], 1);
  frame(103, transform(9, 2, { section: CHILD, attach: 3 }));
  assert.equal(world.entities.get(9).position[0], 2);
});

test("slots age apart", () => {
  const { world, say, frame } = open();
  say("spawned", { entity: 9, owner: OTHER });
  const pose = { head: { position: [0, 1, 0], rotation: [0, 0, 0, 1] }, left: null, right: null };
  frame(120, transform(9, 1));
  frame(110, { slot: "pose", section: POSE, entity: 9, pose }, { slot: "props", section: PROPS, entity: 9, bytes: Uint8Array.of(5) });
  assert.deepEqual([world.entities.get(9).pose, world.entities.get(9).props], [pose, Uint8Array.of(5)]);
});

test("what we own and have moved is not moved by late news of the owner before us", () => {
  const { world, say, frame } = open();
  say("spawned", { entity: 9, owner: OTHER });
  say("granted", { entity: 9, owner: ME, epoch: 1, tick: 120 });
  frame(121, transform(9, 7));
  assert.equal(world.entities.get(9).position[0], 7);
  world.entities.get(9).set({ position: [8, 0, 0] });
  frame(122, transform(9, 7));
  assert.equal(world.entities.get(9).position[0], 8);
  say("granted", { entity: 9, owner: OTHER, epoch: 2, tick: 130, cause: "assign" });
  frame(131, transform(9, 9));
  assert.equal(world.entities.get(9).position[0], 9);
  assert.throws(() => world.entities.get(9).set({ position: [0, 0, 0] }), { code: "not-owner" });
});

const pose = (y) => ({ head: { position: [0, y, 0], rotation: [0, 0, 0, 1] }, left: null, right: null });
const poseRecord = (y) => ({ slot: "pose", section: POSE, entity: 9, pose: pose(y) });
const propsRecord = (...bytes) => ({ slot: "props", section: PROPS, entity: 9, bytes: Uint8Array.from(bytes) });

test("an owner that has written one slot still hears of the others", () => {
  const { world, say, frame } = open();
  say("spawned", { entity: 9, owner: OTHER });
  say("granted", { entity: 9, owner: ME, epoch: 1, tick: 120 });
  const entity = world.entities.get(9);
  entity.set({ position: [8, 0, 0] });
  frame(121, transform(9, 7), poseRecord(1), propsRecord(4));
  assert.deepEqual([entity.position[0], entity.pose, entity.props], [8, pose(1), Uint8Array.of(4)]);
  entity.setPose(pose(2));
  frame(122, poseRecord(1), propsRecord(5));
  assert.deepEqual([entity.pose.head.position[1], entity.props], [2, Uint8Array.of(5)]);
});

test("a former owner forgets what it wrote to slots of which it was never told", () => {
  const { world, say, frame } = open();
  say("spawned", { entity: 9 });
  const entity = world.entities.get(9);
  entity.setPose(pose(1));
  entity.setProps(Uint8Array.of(1));
  say("granted", { entity: 9, owner: OTHER, epoch: 1, tick: 120, cause: "lapse" });
  assert.deepEqual([entity.pose, entity.props], [null, new Uint8Array()]);
  frame(121, poseRecord(1));
  assert.deepEqual(entity.pose, pose(1), "it had arrived after all");
});

test("a former owner keeps what it wrote to slots of which it was told, until it is told again", () => {
  const { world, say, frame } = open();
  say("spawned", { entity: 9, owner: OTHER });
  frame(110, poseRecord(1), propsRecord(1));
  say("granted", { entity: 9, owner: ME, epoch: 1, tick: 120 });
  const entity = world.entities.get(9);
  entity.setPose(pose(2));
  say("granted", { entity: 9, owner: OTHER, epoch: 2, tick: 130, cause: "lapse" });
  assert.deepEqual([entity.pose.head.position[1], entity.props], [2, Uint8Array.of(1)]);
  frame(131, poseRecord(1));
  assert.equal(entity.pose.head.position[1], 1);
});

test("to be assigned what one owns changes nothing", () => {
  const { world, say, frame } = open();
  say("spawned", { entity: 9, epoch: 3 });
  const entity = world.entities.get(9);
  entity.set({ position: [8, 0, 0] });
  entity.setPose(pose(2));
  say("granted", { entity: 9, owner: ME, epoch: 3, tick: 120, re: 1, cause: "assign" });
  frame(121, transform(9, 0), poseRecord(1));
  assert.deepEqual([entity.position[0], entity.pose.head.position[1]], [8, 2]);
});

test("a new parent says where a thing of ours is, but not what pose and props it has", () => {
  const { world, say } = open();
  const state = encodePlaced([transform(0, 1, { section: CHILD }), { ...poseRecord(1), entity: 0 }, { ...propsRecord(1), entity: 0 }]);
  for (const entity of [8, 9]) say("spawned", { entity });
  const entity = world.entities.get(9);
  entity.set({ position: [5, 0, 0] });
  entity.setPose(pose(2));
  say("parent_set", { entity: 9, parent: 8, attach: 1, tick: 120, state });
  assert.deepEqual([entity.position[0], entity.pose.head.position[1], entity.props], [1, 2, Uint8Array.of(1)]);
});

test("a refused move is told, a refused command is not", () => {
  const { world, say, events, last } = open();
  say("spawned", { entity: 9 });
  const before = events.length;
  say("refused", { re: 5, entity: 9, reason: "speed", owner: ME });
  say("refused", { re: 0, entity: 77, reason: "speed", owner: ME });
  assert.equal(events.length, before);
  say("refused", { re: 0, entity: 9, reason: "speed", owner: ME });
  assert.deepEqual([events.at(-1)[0], last()], ["refused", { entity: world.entities.get(9), reason: "speed" }]);
});

test("each change is told with what was before", () => {
  const { world, say, last } = open();
  say("spawned", { entity: 9, properties: { a: 1, b: 2 } });
  const entity = world.entities.get(9);
  say("rule_set", { entity: 9, rule: "deny", ask_timeout_ms: 500, fallback: "allow" });
  assert.deepEqual(last(), { entity, what: "rule", previous: "ask" });
  assert.deepEqual([entity.rule, entity.askTimeoutMs, entity.fallback], ["deny", 500, "allow"]);
  say("master_set", { entity: 9, master: 0 });
  assert.deepEqual(last(), { entity, what: "master", previous: ME });
  say("lifetime_set", { entity: 9, lifetime: "with-room" });
  assert.deepEqual(last(), { entity, what: "lifetime", previous: "with-master" });
  say("attach_rule_set", { entity: 9, attach_rule: "deny" });
  assert.deepEqual(last(), { entity, what: "attach-rule", previous: "allow" });
  say("properties_set", { entity: 9, properties: { a: null, c: 3 } });
  assert.deepEqual(last(), { entity, what: "properties", previous: { a: 1, b: 2 } });
  assert.deepEqual(entity.properties, { b: 2, c: 3 });
  say("granted", { entity: 9, owner: OTHER, epoch: 1, cause: "lapse" });
  assert.deepEqual(last(), { entity, what: "owner", cause: "lapse", previous: ME });
});

test("despawned is the end of it, and of what we may do with it", () => {
  const { world, say, frame, last } = open();
  say("spawned", { entity: 9 });
  const entity = world.entities.get(9);
  say("despawned", { entity: 9, reason: "despawn" });
  assert.deepEqual(last(), { entity, reason: "despawn" });
  assert.equal(entity.isMine, false);
  frame(200, transform(9, 1));
  assert.equal(world.entities.size, 0);
});

test("events and data are handed on", () => {
  const { say, last, world } = open();
  say("spawned", { entity: 9 });
  say("event", { peer: OTHER, name: "chat", payload: { text: "hi" }, entity: 9 });
  assert.deepEqual(last(), { from: OTHER, name: "chat", payload: { text: "hi" }, entity: world.entities.get(9) });
  say("event", { peer: OTHER, name: "chat", payload: null, entity: 0 });
  assert.equal(last().entity, null);
  say("data", { peer: OTHER, payload: Uint8Array.of(1) });
  assert.deepEqual(last(), { from: OTHER, bytes: Uint8Array.of(1), reliable: true });
});

test("a passenger's place in the world follows its parent's place and heading", () => {
  const { world, say } = open();
  const quarter = [0, Math.SQRT1_2, 0, Math.SQRT1_2];
  say("spawned", { entity: 8, state: placed(10, { rotation: quarter }) });
  say("spawned", { entity: 9, parent: 8, attach: 1, state: placed(2, { section: CHILD, rotation: quarter }) });
  const [x, y, z] = world.entities.get(9).worldPosition();
  assert.ok(Math.abs(x - 10) < 0.01 && y === 0 && Math.abs(z + 2) < 0.01, `${x} ${y} ${z}`);
  assert.ok(Math.abs(world.entities.get(9).worldRotation()[1] - 1) < 0.01);
});

test("attaching keeps the place where it is, seen from the parent", async () => {
  const { world, say, commands } = open();
  const { decodePlaced } = await import("../../web/static/soiree/sections.js");
  say("spawned", { entity: 8, state: placed(10, { rotation: [0, Math.SQRT1_2, 0, Math.SQRT1_2] }) });
  say("spawned", { entity: 9, state: placed(12) });
  await world.entities.get(9).setParent(world.entities.get(8));
  const { transform: seen } = decodePlaced(commands[0].state);
  assert.equal(seen.section, CHILD);
  assert.ok(Math.abs(seen.position[2] - 2) < 0.01 && Math.abs(seen.position[0]) < 0.01, String(seen.position));
  await assert.rejects(world.entities.get(9).setParent(world.entities.get(8), { position: [40, 0, 0] }), { code: "state" });
  await world.entities.get(9).setParent(null);
  assert.deepEqual([commands[1].parent, decodePlaced(commands[1].state).transform.position[0]], [0, 12]);
});

test("what cannot be sent is refused where it is set", () => {
  const { world, say } = open();
  say("spawned", { entity: 9 });
  const entity = world.entities.get(9);
  for (const motion of [{ position: [NaN, 0, 0] }, { position: [1, 2] }, { rotation: [0, 0, 0, 0] }, { velocity: [Infinity, 0, 0] }]) {
    assert.throws(() => entity.set(motion), { code: "state" });
  }
  assert.throws(() => entity.setProps(new Uint8Array(256)), { code: "too-large" });
});
