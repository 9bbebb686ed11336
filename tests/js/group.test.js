import assert from "node:assert/strict";
import { test } from "node:test";

import { decodeControl, encodeControl } from "../../web/static/soiree/control.js";
import { RefusedError, WireError } from "../../web/static/soiree/index.js";
import { MAX_GROUP_MESSAGES } from "../../web/static/soiree/limits.js";
import { encode } from "../../web/static/soiree/msgpack.js";
import { CHILD, decodePlaced } from "../../web/static/soiree/sections.js";
import { enter, ME } from "./entered_room.js";
import { message, placed } from "./relay_messages.js";

/** Spawns numbered from 10; the parents that were named. */
function spawner() {
  let id = 9;
  const parents = [];
  return {
    parents,
    spawn: ({ kind, parent }) => {
      parents.push(parent);
      const riding = parent !== 0;
      const state = riding ? { parent: 10, state: placed(1, { section: CHILD }) } : {};
      return ["spawned", { entity: ++id, kind, owner: ME, master: ME, ...state }];
    },
  };
}

/** Something of ours that was in the room before. */
async function thing({ room, say }, id) {
  say("spawned", { entity: id, owner: ME, master: ME });
  return (await room.once("spawned")).entity;
}

test("what a group spawns can be a parent in it, and is there when it is committed", async () => {
  const answers = spawner();
  const { room, relay } = await enter(answers);
  const group = room.group();
  const car = group.spawn("vehicle", { position: [0, 0, 0], attachRule: "allow" });
  const cabin = group.spawn("cabin", { parent: car, position: [0, 1, 0], relevance: "always" });
  assert.deepEqual([group.size, car.entity], [2, null]);
  const [first, second] = await group.commit();
  assert.deepEqual([first, second], [car.entity, cabin.entity]);
  assert.deepEqual([first.kind, second.kind, second.parent], ["vehicle", "cabin", first]);
  const [{ type, messages }] = relay.applied;
  assert.equal(type, "group");
  assert.deepEqual(messages.map(({ n, parent, relevance }) => [n, parent, relevance]), [[0, 0, "near"], [0, -1, "always"]]);
  assert.equal(decodePlaced(messages[1].state).transform.section, CHILD);
});

test("every command that may be in a group says there what it says alone", async () => {
  const { room, relay, say } = await enter();
  say("spawned", { entity: 4, owner: ME, master: ME, state: placed(3) });
  await room.once("spawned");
  const thing = room.entities.get(4);
  const group = room.group();
  group.despawn(thing, { children: "along" });
  group.assign(thing, 3, { subtree: true });
  group.release(thing);
  group.setRule(thing, "allow");
  group.setMaster(thing, 3);
  group.setLifetime(thing, "with-room");
  group.setAttachRule(thing, "deny");
  group.setProperties(thing, { a: 1 });
  group.sendEvent("boom", [1], { to: -3, entity: thing, condition: { entity: thing, epoch: 0 } });
  const car = group.spawn("vehicle", { position: [5, 0, 0] });
  group.setParent(thing, car, { position: [0, 1, 0] });
  group.setParent(thing, null);
  assert.throws(() => group.setParent(thing, car), { code: "state" });
  assert.throws(() => group.setParent(thing, room.group().spawn("vehicle", { position: [0, 0, 0] }), { position: [0, 0, 0] }), { code: "unknown-entity" });
  await group.commit();
  const said = relay.applied[0].messages.map(({ type, n: _, state, ...fields }) => [type, { ...fields, ...(state ? { x: decodePlaced(state).transform.position[0] } : {}) }]);
  assert.deepEqual(said, [
    ["despawn", { entity: 4, children: "along" }],
    ["assign", { entity: 4, peer: 3, subtree: true }],
    ["release", { entity: 4 }],
    ["set_rule", { entity: 4, rule: "allow", ask_timeout_ms: 2000, fallback: null }],
    ["set_master", { entity: 4, peer: 3 }],
    ["set_lifetime", { entity: 4, lifetime: "with-room" }],
    ["set_attach_rule", { entity: 4, attach_rule: "deny" }],
    ["set_properties", { entity: 4, properties: { a: 1 } }],
    ["send_event", { name: "boom", payload: [1], to: -3, entity: 4, condition: [4, 0] }],
    ["spawn", { kind: "vehicle", rule: "ask", lifetime: "with-master", properties: {}, parent: 0, attach_rule: "allow", condition: null, relevance: "near", x: 5 }],
    ["set_parent", { entity: 4, parent: -10, condition: null, x: 0 }],
    ["set_parent", { entity: 4, parent: 0, condition: null, x: 3 }],
  ]);
});

test("a refusal tells of itself and what became of the others", async () => {
  const answers = spawner();
  const entered = await enter({ ...answers, assign: () => ["refused", { entity: 7, reason: "not-master", owner: 3, epoch: 2 }] });
  const { room } = entered;
  const seven = await thing(entered, 7);
  const group = room.group();
  const box = group.spawn("box", { position: [0, 0, 0] });
  group.assign(seven, 3);
  await assert.rejects(group.commit(), (error) => {
    assert.ok(error instanceof RefusedError);
    assert.deepEqual([error.reason, error.entity, error.outcomes], ["not-master", 7, [box.entity, error]]);
    return true;
  });
  assert.equal(box.entity.kind, "box");
  assert.throws(() => group.release(box.entity), { code: "closed" });
  await assert.rejects(group.commit(), { code: "closed" });
});

test("a group refused as a whole is refused once", async () => {
  const { room } = await enter({ group: () => ["refused", { reason: "rate" }] });
  const group = room.group();
  group.spawn("box", { position: [0, 0, 0] });
  group.spawn("box", { position: [1, 0, 0] });
  await assert.rejects(group.commit(), (error) => error instanceof RefusedError && error.reason === "rate" && error.outcomes === undefined);
  assert.equal(room.stats().commandsWaiting, 0);
});

test("answers may come in several groups", async () => {
  const entered = await enter();
  const { room, relay, say } = entered;
  const four = await thing(entered, 4);
  relay.say = () => {};
  const group = room.group();
  for (let i = 0; i < 3; i++) group.setProperties(four, { i });
  const committed = group.commit();
  await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
  const set = (i) => message("properties_set", { entity: 4, properties: { i }, re: 1 });
  say("group", { messages: [set(0), set(1)] });
  say("properties_set", { entity: 4, properties: { i: 2 }, re: 1 });
  assert.deepEqual(await committed, [null, null, null]);
});

test("a group of the relay is applied as one: whoever hears of its first message sees its last", async () => {
  const { room, say } = await enter();
  const seen = [];
  room.on("spawned", ({ entity }) => seen.push([entity.kind, room.entities.size, entity.parent?.kind ?? null, room.entities.get(8)?.owner]));
  room.on("changed", ({ entity, what, previous }) => seen.push([what, previous, entity.owner]));
  say("group", {
    messages: [
      message("spawned", { entity: 8, kind: "vehicle" }),
      message("spawned", { entity: 9, kind: "cabin", parent: 8, state: placed(1, { section: CHILD }) }),
      message("granted", { entity: 8, owner: 5, epoch: 1 }),
    ],
  });
  await room.once("changed");
  assert.deepEqual(seen, [["vehicle", 2, null, 5], ["cabin", 2, "vehicle", 5], ["owner", 2, 5]]);
});

test("what comes and goes within one group is told so", async () => {
  const { room, say } = await enter();
  const seen = [];
  room.on("spawned", ({ entity }) => seen.push([entity.id, room.entities.size]));
  say("group", { messages: [message("spawned", { entity: 8 }), message("despawned", { entity: 8, reason: "sight" })] });
  assert.deepEqual((await room.once("despawned")).reason, "sight");
  assert.deepEqual(seen, [[8, 0]]);
});

test("nothing is asked of what is gone, nor of what has its number now", async () => {
  const entered = await enter({ spawn: () => ["spawned", { entity: 9, owner: ME, master: ME }] });
  const { room, relay, say } = entered;
  const bullet = await thing(entered, 8);
  const gone = room.once("despawned");
  say("despawned", { entity: 8, reason: "despawn" });
  await gone;
  const other = await thing(entered, 8);
  const unknown = (error) => error instanceof RefusedError && error.reason === "unknown-entity" && error.entity === 8;
  const stale = (error) => error instanceof RefusedError && error.reason === "stale";
  const position = [0, 0, 0];
  assert.deepEqual([bullet.isHere, bullet.isMine, other.isHere, other.isMine], [false, false, true, true]);
  await assert.rejects(bullet.despawn(), unknown);
  await assert.rejects(bullet.setParent(null), unknown);
  await assert.rejects(other.setParent(bullet, { position }), unknown);
  await assert.rejects(room.spawn("box", { position, parent: bullet }), unknown);
  await assert.rejects(room.sendEvent("hit", null, { entity: bullet }), unknown);
  await assert.rejects(room.spawn("box", { position, condition: { entity: bullet, epoch: 0 } }), stale);
  const group = room.group();
  assert.throws(() => group.despawn(bullet), unknown);
  assert.throws(() => group.setParent(other, bullet, { position }), unknown);
  assert.throws(() => group.spawn("box", { position, parent: bullet }), unknown);
  assert.throws(() => group.sendEvent("hit", null, { condition: { entity: bullet, epoch: 0 } }), stale);
  assert.deepEqual([group.size, relay.applied.length], [0, 0]);
  await room.spawn("box", { position, parent: other, condition: { entity: other, epoch: other.epoch } });
});

test("an empty group sends nothing, a full one takes no more", async () => {
  const entered = await enter();
  const { room, relay } = entered;
  const four = await thing(entered, 4);
  assert.deepEqual(await room.group().commit(), []);
  const group = room.group();
  for (let i = 0; i < MAX_GROUP_MESSAGES; i++) group.release(four);
  assert.throws(() => group.release(four), { code: "too-large" });
  await group.commit();
  assert.equal(relay.applied[0].messages.length, MAX_GROUP_MESSAGES);
});

test("a group that is too long is not sent, and disturbs nothing", async () => {
  const entered = await enter();
  const { room, relay } = entered;
  const four = await thing(entered, 4);
  const group = room.group();
  const text = "x".repeat(3000);
  for (let i = 0; i < 6; i++) group.setProperties(four, { text });
  await assert.rejects(group.commit(), WireError);
  assert.equal(relay.applied.length, 0);
  await room.sendEvent("after");
});

test("a type of a later version within a group is passed over", () => {
  const bytes = encode([40, 7, [[99, 0, "new"], [39, 0, 3]]]);
  assert.deepEqual(decodeControl(bytes).messages, [{ type: null, n: 0 }, { type: "done", n: 0, re: 3 }]);
});

for (const [why, array] of Object.entries({
  "no message": [],
  "too many": Array.from({ length: MAX_GROUP_MESSAGES + 1 }, () => [39, 0, 3]),
  "a number": [[39, 1, 3]],
  "another group": [[40, 0, [[39, 0, 3]]]],
  "a welcome": [[4, 0, "bye"]],
  "a command": [[20, 0, 7]],
  "a message cut off": [[39, 0]],
  "no array": [7],
})) {
  test(`a group with ${why} in it cannot be read`, () => {
    assert.throws(() => decodeControl(encode([40, 7, array])), WireError);
  });
}

test("what cannot be in a group cannot be written into one", () => {
  for (const type of ["hello", "bye", "group"]) assert.throws(() => encodeControl({ type: "group", n: 1, messages: [{ type, n: 0 }] }), WireError);
});
