import assert from "node:assert/strict";
import { test } from "node:test";

import { CHILD, FAR, MOVE, REST, UPRIGHT } from "../../web/static/soiree/sections.js";
import { World } from "../../web/static/soiree/world.js";
import { message, placed, transform } from "./relay_messages.js";

const ME = 2;
const OTHER = 3;
const LATENCY_S = 0.04;
const near = (a, b, tolerance = 1e-6) => a.forEach((value, i) => assert.ok(Math.abs(value - b[i]) <= tolerance, `${a} is not ${b} within ${tolerance}`));
const yaw = (angle) => [0, Math.sin(angle / 2), 0, Math.cos(angle / 2)];

/** A world whose local time and relay time are both `clock.now`. */
function open(now = 1000) {
  const clock = { now };
  const host = {
    peerId: ME, command: async () => ({}), setState: (record) => world.wrote(record.entity, record.slot), relaySecondsAt: (at = clock.now) => at,
  };
  const world = new World(() => {}, host);
  Object.defineProperty(host, "entities", { get: () => world.entities });
  world.peerId = ME;
  const tickAt = (seconds) => Math.round(seconds * 60);
  return {
    clock, world,
    say: (type, fields) => world.apply(message(type, { tick: tickAt(clock.now), ...fields })),
    /** A record sampled at a time, come `LATENCY_S` later. */
    hear: (at, record) => {
      clock.now = at + LATENCY_S;
      world.applyFrame({ tick: tickAt(clock.now), records: [{ ...record, age: tickAt(clock.now) - tickAt(at) }] });
    },
    show: (id, at = clock.now) => world.entities.get(id).smooth(at * 1000),
  };
}

/** Drives entity 9 along x at a speed, told 20 times a second, and calls back 60 times a second. */
function drive({ hear, show, clock }, seconds, speed, onFrame, more = {}) {
  const from = clock.now;
  for (let frame = 0; frame < seconds * 60; frame++) {
    const at = from + frame / 60;
    if (frame % 3 === 0) hear(at - LATENCY_S, transform(9, speed * (at - LATENCY_S - 1000), { section: MOVE, velocity: [speed, 0, 0], ...more }));
    clock.now = at;
    onFrame?.(show(9, at), at);
  }
}

test("what never moved is drawn where it is, and costs nothing", () => {
  const { say, hear, show } = open();
  say("spawned", { entity: 9, owner: OTHER, state: placed(12) });
  const first = show(9, 1000);
  assert.deepEqual(first, { position: [12, 0, 0], rotation: [0, 0, 0, 1], velocity: [0, 0, 0] });
  hear(1001, transform(9, 12));
  assert.deepEqual(show(9, 1002), first);
});

test("what moves is drawn a little in the past, evenly", () => {
  const room = open();
  room.say("spawned", { entity: 9, owner: OTHER, state: placed(0) });
  let last = null;
  drive(room, 3, 14, ({ position: [x], velocity }, at) => {
    if (at > 1001.5) {
      near([x - last], [14 / 60], 0.01);
      near(velocity, [14, 0, 0], 0.5);
      const behindS = (14 * (at - 1000) - x) / 14;
      assert.ok(behindS >= 0.05 && behindS < 0.16, `${behindS} s behind`);
    }
    last = x;
  });
});

test("a MOVE after FAR goes on from there, and does not forget that it was upright", () => {
  const { say, hear, world, show } = open();
  say("spawned", { entity: 9, owner: OTHER, state: placed(0, { section: UPRIGHT }) });
  hear(1000.5, transform(9, 5000, { section: FAR, velocity: [10, 0, 0] }));
  hear(1001.5, transform(9, 5010, { section: FAR, velocity: [10, 0, 0] }));
  assert.equal(world.entities.get(9).upright, true);
  hear(1002.5, transform(9, 5020, { section: MOVE, velocity: [10, 0, 0] }));
  assert.deepEqual(world.entities.get(9).position, [5020, 0, 0]);
  const at = show(9, 1002.6).position[0];
  assert.ok(at > 5000 && at <= 5021, `${at}`);
});

test("who gets in and out again is still upright", () => {
  const { say, world } = open();
  say("spawned", { entity: 8, owner: OTHER });
  say("spawned", { entity: 9, owner: OTHER, state: placed(0, { section: UPRIGHT }) });
  say("parent_set", { entity: 9, parent: 8, attach: 1, state: placed(0, { section: CHILD }) });
  assert.equal(world.entities.get(9).upright, true);
  say("parent_set", { entity: 9, parent: 0, attach: 2, state: placed(0, { section: REST }) });
  assert.equal(world.entities.get(9).upright, false);
});

test("what is ours is drawn where it is", () => {
  const { say, hear, show, world, clock } = open();
  say("spawned", { entity: 9, owner: OTHER, state: placed(0) });
  hear(1000.1, transform(9, 1, { section: MOVE, velocity: [1, 0, 0] }));
  hear(1000.2, transform(9, 2, { section: MOVE, velocity: [1, 0, 0] }));
  show(9);
  say("granted", { entity: 9, owner: ME, epoch: 1, cause: "assign" });
  world.entities.get(9).set({ position: [2.5, 0, 0] });
  clock.now += 1;
  near(show(9).position, [2.5, 0, 0]);
});

test("neither taking a thing over nor handing it on makes it jump", () => {
  const room = open();
  const { say, show, world, clock } = room;
  say("spawned", { entity: 9, owner: OTHER, state: placed(0) });
  drive(room, 1, 14);
  const entity = world.entities.get(9);
  let { position: [x] } = show(9);
  say("granted", { entity: 9, owner: ME, epoch: 1, cause: "request" });
  for (let frame = 0; frame < 60; frame++) {
    clock.now += 1 / 60;
    entity.set({ position: [14 * (clock.now - 1000), 0, 0], velocity: [14, 0, 0] });
    const { position: [next] } = show(9);
    assert.ok(next - x > 0 && next - x < 1, `${next - x} m in a frame`);
    x = next;
  }
  near([x], entity.position, 0.01);
  say("granted", { entity: 9, owner: OTHER, epoch: 2, cause: "assign" });
  drive(room, 1, 14, ({ position: [next] }) => {
    assert.ok(next - x > -0.35 && next - x < 1, `${next - x} m in a frame`);
    x = next;
  });
});

test("a thing that was only ever ours does not jump when it is handed on", () => {
  const room = open();
  const { say, show, world, clock } = room;
  say("spawned", { entity: 9, owner: ME, state: placed(0) });
  const entity = world.entities.get(9);
  for (let frame = 0; frame < 30; frame++) {
    clock.now += 1 / 60;
    entity.set({ position: [14 * (clock.now - 1000), 0, 0], velocity: [14, 0, 0] });
    show(9);
  }
  let { position: [x] } = show(9);
  say("granted", { entity: 9, owner: OTHER, epoch: 1, cause: "assign" });
  drive(room, 1, 14, ({ position: [next] }) => {
    assert.ok(Math.abs(next - x) < 0.6, `${next - x} m in a frame`);
    x = next;
  });
});

test("who rides in a rider is carried and turned by both, in the world and in what is drawn", () => {
  const { say, show, world } = open();
  say("spawned", { entity: 7, owner: OTHER, state: placed(100, { rotation: yaw(Math.PI / 2) }) });
  say("spawned", { entity: 8, owner: OTHER, parent: 7, state: placed(2, { section: CHILD, rotation: yaw(Math.PI / 2) }) });
  say("spawned", { entity: 9, owner: OTHER, parent: 8, attach: 1, state: placed(1, { section: CHILD, velocity: [1, 0, 0] }) });
  // Turned a quarter to the left, +x of the parent is −z of the world; turned twice, −x.
  const rider = world.entities.get(9);
  near(rider.worldPosition(), [99, 0, -2], 0.005);
  const { position, rotation, velocity } = show(9);
  near(position, rider.worldPosition());
  near(rotation, rider.worldRotation());
  near(velocity, [-1, 0, 0], 0.01);
});

test("nobody jumps when getting into a driving vehicle and out again", () => {
  const room = open();
  const { say, hear, show, world, clock } = room;
  say("spawned", { entity: 9, owner: OTHER, kind: "vehicle", state: placed(0) });
  say("spawned", { entity: 10, owner: OTHER, kind: "avatar", state: placed(14) });
  drive(room, 1, 14);
  const car = () => 14 * (clock.now - LATENCY_S - 1000);
  let last = null;
  const watch = () => {
    const { position } = show(10);
    const { position: vehicle } = show(9);
    if (last) assert.ok(Math.hypot(position[0] - last[0], position[2] - last[2]) < 1, `${last} to ${position}`);
    last = position;
    return position[0] - vehicle[0];
  };
  watch();
  const rider = { section: CHILD, position: [0.5, 0.4, -0.5] };
  say("parent_set", { entity: 10, parent: 9, attach: 1, state: placed(0, rider) });
  let beside = NaN;
  drive(room, 1.5, 14, () => void (beside = watch()));
  near([beside], [0.5], 0.02);
  say("parent_set", { entity: 10, parent: 0, attach: 2, state: placed(car() + 2, { section: REST }) });
  const stands = world.entities.get(10).position[0];
  drive(room, 1.5, 14, watch);
  near([show(10).position[0]], [stands], 0.01);
  hear(clock.now, transform(10, 50, { teleport: true, section: MOVE }));
  near([show(10, clock.now + 0.5).position[0]], [50], 0.01);
});

test("a vehicle that goes out of sight takes nobody to the middle of the world", () => {
  const { say, show } = open();
  say("spawned", { entity: 7, owner: OTHER, state: placed(100) });
  say("spawned", { entity: 9, owner: OTHER, parent: 7, state: placed(2, { section: CHILD }) });
  say("parent_set", { entity: 9, parent: 0, attach: 1, state: placed(103) });
  say("despawned", { entity: 7, reason: "sight" });
  near(show(9).position, [103, 0, 0], 1.1);
});

test("rings of parents end", () => {
  const { say, world } = open();
  for (const [entity, parent] of [[7, 8], [8, 7]]) say("spawned", { entity, owner: OTHER, parent, state: placed(1, { section: CHILD }) });
  assert.equal(world.entities.get(7).smooth(1e6).position.every(Number.isFinite), true);
});

test("ticks that wrap do not stop playback", () => {
  const room = open((2 ** 32 - 30) / 60);
  const { clock, world } = room;
  world.apply(message("spawned", { entity: 9, owner: OTHER, tick: 2 ** 32 - 30, state: placed(0) }));
  let last = 0;
  for (let tick = 0; tick < 120; tick++) {
    clock.now = (2 ** 32 - 30 + tick) / 60;
    world.applyFrame({ tick: (2 ** 32 - 30 + tick) >>> 0, records: [transform(9, tick, { section: MOVE, velocity: [60, 0, 0] })] });
    const { position: [x] } = world.entities.get(9).smooth(clock.now * 1000);
    if (tick > 20) assert.ok(x > last && x < last + 2, `${last} to ${x}`);
    last = x;
  }
});
