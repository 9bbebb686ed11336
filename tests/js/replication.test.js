import assert from "node:assert/strict";
import { test } from "node:test";

import { acknowledged, ReceivedFrames } from "../../web/static/soiree/acks.js";
import { MAX_FRAME_BYTES } from "../../web/static/soiree/limits.js";
import { MAX_FRAMES_PER_FLUSH, MAX_FRAMES_REMEMBERED, Replication, RETRANSMISSION_S } from "../../web/static/soiree/replication.js";
import { CHILD, MOVE, POSE, PROPS, REST, UPRIGHT } from "../../web/static/soiree/sections.js";
import { decodeFrame } from "../../web/static/soiree/state.js";
import { Random } from "./random.js";

const STILL = [0, 0, 0];
const at = (entity, x, more = {}) => ({
  slot: "transform", section: REST, entity, attach: 0, age: 0, teleport: false, position: [x, 0, 0], rotation: [0, 0, 0, 1], velocity: STILL, ...more,
});
const flush = (now, more = {}) => ({ now, tick: Math.floor(now * 60), rttS: 0.05, ack: null, controlApplied: 0, ...more });
const read = (frames) => frames.map(decodeFrame);
const entities = (frames) => read(frames).flatMap(({ records }) => records.map(({ entity }) => entity));

for (const [seed, loss] of [[1, 0.05], [2, 0.3], [3, 0.6]]) {
  test(`the receiver ends with the owner's last state under ${loss * 100} % loss both ways (seed ${seed})`, () => {
    const random = new Random(seed);
    const owner = new Replication();
    const received = new ReceivedFrames();
    const truth = new Map();
    const seen = new Map();
    const ticks = new Map();
    let now = 0;
    const run = (steps, moving) => {
      for (let step = 0; step < steps; step++, now += 0.05) {
        for (let entity = 1; entity <= 100 && moving; entity++) {
          if (random.next() > 0.3) continue;
          const x = random.integer(-3000, 3000);
          truth.set(entity, x);
          owner.set(at(entity, x), now * 60);
        }
        for (const frame of read(owner.frames(flush(now)))) {
          if (random.next() < loss) continue;
          received.add(frame.seq);
          for (const record of frame.records) {
            if (ticks.get(record.entity) > frame.tick) continue;
            seen.set(record.entity, record.position[0]);
            ticks.set(record.entity, frame.tick);
          }
        }
        if (received.newest !== null && random.next() >= loss) owner.acknowledge(received.ack());
      }
    };
    run(60, true);
    run(200, false);
    assert.equal(truth.size, 100);
    assert.deepEqual([...seen].sort(), [...truth].sort());
    assert.ok(owner.settled);
    assert.deepEqual(owner.frames(flush(now)), []);
  });
}

test("what came to rest goes again 1 and 3 flushes later, then each 150 ms, until it is acknowledged", () => {
  const owner = new Replication();
  owner.set(at(1, 5), 0);
  const sent = [];
  let newest = 0;
  for (let step = 0; step < 60; step++) {
    const frames = owner.frames(flush(step / 64));
    if (frames.length) sent.push(step), (newest = read(frames)[0].seq);
  }
  assert.deepEqual(sent, [0, 1, 3, 13, 23, 33, 43, 53]);
  owner.acknowledge({ seq: newest, mask: 0 });
  assert.deepEqual(owner.frames(flush(10)), []);
});

test("a long round trip makes for patience", () => {
  const owner = new Replication();
  owner.set(at(1, 5), 0);
  for (let i = 0; i < 4; i++) owner.frames(flush(i * 0.001));
  assert.equal(owner.frames(flush(RETRANSMISSION_S + 0.1, { rttS: 0.4 })).length, 0);
  assert.equal(owner.frames(flush(0.9, { rttS: 0.4 })).length, 1);
});

test("an acknowledgement of an older version does not settle a newer one", () => {
  const owner = new Replication();
  owner.set(at(1, 5), 0);
  const [first] = read(owner.frames(flush(0)));
  owner.set(at(1, 6), 1);
  owner.frames(flush(0.05));
  owner.acknowledge({ seq: first.seq, mask: 0 });
  assert.equal(owner.settled, false);
});

test("the same again is no news", () => {
  const owner = new Replication();
  owner.set(at(1, 5), 0);
  const [frame] = read(owner.frames(flush(0)));
  owner.acknowledge({ seq: frame.seq, mask: 0 });
  owner.set(at(1, 5), 1);
  assert.deepEqual(owner.frames(flush(0.05)), []);
});

test("records far apart go in frames of their own base", () => {
  const owner = new Replication();
  const places = [0, 400, 10000, 10300, -90000];
  places.forEach((x, i) => owner.set(at(i + 1, x), 0));
  owner.set(at(6, 1, { section: CHILD, attach: 3 }), 0);
  const frames = read(owner.frames(flush(0)));
  assert.equal(frames.length, 3);
  for (const { entity, position } of frames.flatMap(({ records }) => records)) assert.equal(position[0], entity === 6 ? 1 : places[entity - 1]);
});

test("a crowd fills whole frames, and what does not fit comes next", () => {
  const owner = new Replication();
  for (let entity = 1; entity <= 1000; entity++) owner.set(at(entity, entity / 100, { section: UPRIGHT }), 0);
  const frames = owner.frames(flush(0));
  assert.equal(frames.length, MAX_FRAMES_PER_FLUSH);
  for (const frame of frames) assert.ok(frame.length <= MAX_FRAME_BYTES && frame.length > MAX_FRAME_BYTES - 20);
  const all = new Set([...entities(frames), ...entities(owner.frames(flush(0.05)))]);
  assert.equal(all.size, 1000);
});

test("slots are apart, and PROPS comes last", () => {
  const owner = new Replication();
  owner.set({ slot: "props", section: PROPS, entity: 1, bytes: Uint8Array.of(1, 2) }, 0);
  owner.set({ slot: "pose", section: POSE, entity: 1, pose: { head: { position: [0, 1.5, 0], rotation: [0, 0, 0, 1] }, left: null, right: null } }, 0);
  owner.set(at(1, 2), 0);
  const [{ records }] = read(owner.frames(flush(0)));
  assert.deepEqual(records.map(({ slot }) => slot), ["pose", "transform", "props"]);
  assert.deepEqual(records[2].bytes, Uint8Array.of(1, 2));
  owner.forget(1, "pose");
  assert.deepEqual(read(owner.frames(flush(1)))[0].records.map(({ slot }) => slot).sort(), ["props", "transform"]);
  owner.forget(1);
  assert.deepEqual(owner.frames(flush(2)), []);
});

test("a teleport is marked until it has arrived, at rest too", () => {
  const owner = new Replication();
  owner.set(at(1, 900, { teleport: true }), 0);
  const [lost] = read(owner.frames(flush(0)));
  owner.set(at(1, 901), 1);
  const [again] = read(owner.frames(flush(0.05)));
  for (const frame of [lost, again]) assert.deepEqual(frame.records.map(({ section, teleport }) => [section, teleport]), [[MOVE, true]]);
  owner.acknowledge({ seq: again.seq, mask: 0 });
  owner.set(at(1, 902), 2);
  assert.deepEqual(read(owner.frames(flush(0.1)))[0].records.map(({ section }) => section), [REST]);
});

test("what was acknowledged and refused goes again as a teleport, though it rests", () => {
  const owner = new Replication();
  owner.again(1, "transform");
  owner.set(at(1, 900), 0);
  owner.set({ slot: "props", section: PROPS, entity: 1, bytes: Uint8Array.of(1) }, 0);
  const [refused] = read(owner.frames(flush(0)));
  owner.acknowledge({ seq: refused.seq, mask: 0 });
  assert.deepEqual(owner.frames(flush(0.05)), []);
  owner.again(1, "transform");
  assert.equal(owner.settled, false);
  const [again] = read(owner.frames(flush(0.1)));
  assert.deepEqual(again.records.map(({ section, teleport, position }) => [section, teleport, position[0]]), [[MOVE, true, 900]]);
  owner.acknowledge({ seq: again.seq, mask: 0 });
  assert.ok(owner.settled);
  owner.again(1, "props");
  assert.deepEqual(read(owner.frames(flush(0.2)))[0].records.map(({ slot }) => slot), ["props"]);
});

test("of a jump and what rests after it, each record is marked until one of them has arrived", () => {
  const owner = new Replication();
  owner.set(at(1, 900, { teleport: true }), 0);
  owner.set({ slot: "pose", section: POSE, entity: 1, pose: { head: null, left: null, right: null } }, 0);
  const marks = [0, 1, 2].map((step) => {
    owner.set(at(1, 901 + step, { section: step === 1 ? UPRIGHT : REST }), step);
    return read(owner.frames(flush(step / 20)))[0].records.filter(({ slot }) => slot === "transform").map(({ section, teleport }) => [section, teleport]);
  });
  assert.deepEqual(marks, [[[MOVE, true]], [[UPRIGHT, true]], [[MOVE, true]]]);
});

test("the age of a sample grows with each repetition", () => {
  const owner = new Replication();
  owner.set(at(1, 5, { section: MOVE, velocity: [1, 0, 0] }), 0);
  const ages = [0, 0.05, 0.2, 30].map((now) => read(owner.frames(flush(now)))[0]?.records[0].age);
  assert.deepEqual(ages, [0, 3, 12, 127]);
});

test(`no more than ${MAX_FRAMES_REMEMBERED} frames are remembered`, () => {
  const owner = new Replication();
  for (let i = 0; i < 2 * MAX_FRAMES_REMEMBERED; i++) owner.emptyFrame(flush(i));
  assert.equal(owner.inFlight.size, MAX_FRAMES_REMEMBERED);
});

test("acknowledgements tell what came, across the wrap of the numbers and out of order", () => {
  const random = new Random(7);
  const received = new ReceivedFrames();
  const came = new Set();
  for (let i = 65000; i < 66500; i++) {
    const seq = (i + random.integer(-3, 3)) & 0xffff;
    assert.equal(received.add(seq), !came.has(seq));
    came.add(seq);
    const told = acknowledged(received.ack());
    for (let back = 0; back <= 32; back++) {
      const number = (received.newest - back) & 0xffff;
      assert.equal(told.includes(number), came.has(number), `${number} after ${seq}`);
    }
  }
});

test("loss is what the numbers skip", () => {
  const received = new ReceivedFrames();
  for (let seq = 0; seq < 1000; seq++) if (seq % 10) received.add(seq);
  assert.deepEqual([received.expected, received.received], [999, 900]);
});

test("a jump of more than the window forgets what was before", () => {
  const received = new ReceivedFrames();
  for (const seq of [0, 1, 33]) received.add(seq);
  assert.deepEqual(acknowledged(received.ack()), [33, 1]);
  received.add(34);
  assert.deepEqual(acknowledged(received.ack()), [34, 33]);
  received.add(100);
  assert.deepEqual(acknowledged(received.ack()), [100]);
  assert.equal(received.add(34), false);
});
