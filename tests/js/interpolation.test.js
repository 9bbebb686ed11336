import assert from "node:assert/strict";
import { test } from "node:test";

import { BRIDGE_MAX_M, BRIDGE_S, MAX_DELAY_S, MAX_SAMPLES, MIN_DELAY_S, Playback, SLEW } from "../../web/static/soiree/interpolation.js";
import { BRAKE_S, COAST_S } from "../../web/static/soiree/motion.js";
import { packVelocity, unpackVelocity } from "../../web/static/soiree/quantise.js";
import { Random } from "./random.js";

const FRAME_S = 1 / 60;
const none = () => null;
const yaw = (angle) => [0, Math.sin(angle / 2), 0, Math.cos(angle / 2)];
const distance = (a, b) => Math.hypot(a[0] - b[0], a[1] - b[1], a[2] - b[2]);

/** Around a roundabout of that radius: its owner's truth at a time. */
const circle = (speed, radius) => (at) => {
  const angle = (at * speed) / radius;
  return { position: [radius * Math.cos(angle), 0, radius * Math.sin(angle)], rotation: yaw(-angle), velocity: [-speed * Math.sin(angle), 0, speed * Math.cos(angle)] };
};

/** As it travels: in ticks, with velocities and places as they are rounded on the wire. */
function sampled(truth, at) {
  const tick = Math.round(at * 60) / 60;
  const { position, rotation, velocity } = truth(tick);
  return {
    at: tick, parent: 0, rotation, jump: false, position: position.map((m) => Math.round(m * 1024) / 1024), velocity: velocity.map((v) => unpackVelocity(packVelocity(v))),
  };
}

/**
 * A drive as seen over a network: samples every 1/hz s, 40 ms on their way and up to `jitterS` more, some lost, late ones that others have overtaken
 * dropped; frames at 60 Hz, the relay's clock taken from a local one that drifts.
 */
function watch({ truth, hz, seed, seconds, jitterS = 0.03, loss = 0.05, drift = 0, from = 0 }) {
  const random = new Random(seed);
  const arrivals = [];
  for (let at = from; at < from + seconds; at += 1 / hz) {
    if (at > from && random.next() < loss) continue;
    arrivals.push({ arrived: at + 0.04 + jitterS * random.next(), sample: sampled(truth, at) });
  }
  arrivals.sort((a, b) => a.arrived - b.arrived);
  const playback = new Playback(arrivals.shift().sample);
  let newest = from;
  let last = null;
  const frames = [];
  for (let relay = from + 0.1; relay < from + seconds; relay += FRAME_S) {
    while (arrivals.length && arrivals[0].arrived <= relay) {
      const { arrived, sample } = arrivals.shift();
      if (sample.at <= newest) continue;
      newest = sample.at;
      playback.add(sample, arrived * (1 + drift));
    }
    const now = 5000 + relay * (1 + drift);
    const { position, rotation, velocity } = playback.play(now, relay * (1 + drift), none);
    frames.push({ relay, position, rotation, velocity, moved: last ? distance(position, last) : 0, delayS: playback.delayS, playedS: playback.playedS });
    last = position;
    assert.ok(playback.size <= MAX_SAMPLES);
  }
  return frames;
}

/** Metres from where it truly was at the time that is played. */
const off = (truth) => ({ position, playedS }) => distance(position, truth(playedS).position);

const quantile = (values, share) => [...values].sort((a, b) => a - b)[Math.min(values.length - 1, Math.floor(share * values.length))];

/*
 * What limits the error, on a bend of 40 m (14 m/s: 4.9 m/s² across) and one of 90 m (30 m/s: 10 m/s²):
 * - between samples, rounding: 1/2048 m of place, and of velocity up to 0.2 m/s at 14 m/s, 0.28 at 30, of which a Hermite curve shows
 *   4/27 of the interval: 2 mm at 20 Hz, 10 mm at 4 Hz, 40 mm at 1 Hz; its own error (v⁴/R³ h⁴/384) is below that;
 * - past the newest sample, when one is late or lost: the rounding of velocity times that lateness, 0.2 m/s · 0.1 s at 20 Hz; the course turns
 *   on as measured, so what is left of a bend is the error of that turn, ½ · Δa · t²;
 * - after that, what is made up for within 0.3 s.
 * So nine frames of ten lie within a few times the first, and the worst, at 1 Hz with a loss (a second of dead reckoning), well within a lane.
 */
const DRIVES = [
  { speed: 14, radius: 40, hz: 20, most: 0.03, worst: 0.1 },
  { speed: 14, radius: 40, hz: 4, most: 0.015, worst: 0.15 },
  { speed: 14, radius: 40, hz: 1, most: 0.06, worst: 0.7 },
  { speed: 30, radius: 90, hz: 20, most: 0.06, worst: 0.15 },
  { speed: 30, radius: 90, hz: 4, most: 0.02, worst: 0.2 },
  { speed: 30, radius: 90, hz: 1, most: 0.08, worst: 0.7 },
];

for (const { speed, radius, hz, most, worst } of DRIVES) {
  test(`a bend at ${speed} m/s, told ${hz} times a second with jitter and 5 % loss, is drawn on the road`, () => {
    for (const seed of [1, 2, 3, 4]) {
      const frames = watch({ truth: circle(speed, radius), hz, seed, seconds: 60 }).filter(({ relay }) => relay > 20);
      const errors = frames.map(off(circle(speed, radius)));
      assert.ok(quantile(errors, 0.9) <= most, `seed ${seed}: 90 % within ${quantile(errors, 0.9)} m`);
      assert.ok(Math.max(...errors) <= worst, `seed ${seed}: at worst ${Math.max(...errors)} m`);
      // Nothing leaps: a frame's way is that of its speed, but for what is being made up for.
      const ways = frames.map(({ moved }) => moved / FRAME_S / speed);
      assert.ok(quantile(ways, 0.02) > 0.85 && quantile(ways, 0.98) < 1.15, `seed ${seed}: at ${quantile(ways, 0.02)} to ${quantile(ways, 0.98)} of its speed`);
    }
  });
}

for (const [hz, least, most] of [[60, MIN_DELAY_S, 0.13], [20, 0.09, 0.2], [4, 0.27, 0.6], [1, 0.8, MAX_DELAY_S]]) {
  test(`told ${hz} times a second it is drawn no farther in the past than that asks for`, () => {
    const frames = watch({ truth: circle(14, 40), hz, seed: 9, seconds: 60 }).filter(({ relay }) => relay > 30);
    for (const { delayS } of frames) assert.ok(delayS >= least && delayS <= most, `${delayS} s`);
  });
}

test("a local clock that is off by 500 ppm or corrected by 20 ms changes nothing that is seen", () => {
  const frames = watch({ truth: circle(14, 40), hz: 20, seed: 5, seconds: 60, drift: 5e-4 }).filter(({ relay }) => relay > 5);
  assert.ok(Math.max(...frames.map(off(circle(14, 40)))) < 0.1);
  const playback = new Playback({ ...sampled(circle(14, 40), 0) });
  let last = null;
  for (let frame = 3; frame < 600; frame++) {
    const now = frame * FRAME_S;
    if (frame % 3 === 0) playback.add(sampled(circle(14, 40), now - 0.05), now);
    const clock = now + (Math.floor(frame / 60) % 2 ? 0.02 : 0);
    const { position } = playback.play(now, clock, none);
    if (frame > 60) {
      const way = distance(position, last) / FRAME_S;
      assert.ok(way > 14 * (1 - SLEW) - 0.5 && way < 14 * (1 + SLEW) + 0.5, `${way} m/s`);
    }
    last = position;
  }
});

test("it never runs past a place where it stopped, whenever it braked and however often it was told", () => {
  for (let seed = 1; seed <= 60; seed++) {
    const random = new Random(seed);
    const speed = 2 + 28 * random.next();
    const stopAt = 3 + random.next();
    const braking = 0.1 + 1.5 * random.next();
    const truth = (at) => {
      const left = Math.max(0, stopAt - at);
      const slow = Math.min(left, braking);
      const x = -(speed * (left - slow) + (speed * slow * slow) / (2 * braking));
      return { position: [x, 0, 0], rotation: [0, 0, 0, 1], velocity: [(speed * slow) / braking, 0, 0] };
    };
    const hz = random.pick([4, 10, 20]);
    const frames = watch({ truth, hz, seed, seconds: 8, loss: 0, jitterS: 0.01 });
    const furthest = Math.max(...frames.map(({ position }) => position[0]));
    // Velocity is rounded, and so is what a curve of it makes until the next sample; and playback may be late by the jitter.
    assert.ok(furthest <= speed * 0.012 + 0.01, `seed ${seed}: ${furthest} m past the stop at ${speed} m/s and ${hz} Hz`);
    for (const value of [...frames.at(-1).position, ...frames.at(-1).velocity]) assert.ok(value === 0, `seed ${seed}: ${value}`);
  }
});

test("what is not heard of any more stops, no farther than dead reckoning may go", () => {
  for (const speed of [1, 14, 30]) {
    const playback = new Playback({ at: 0, parent: 0, position: [0, 0, 0], rotation: [0, 0, 0, 1], velocity: [speed, 0, 0], jump: false });
    let last = 0;
    for (let now = 0; now < 5; now += FRAME_S) {
      const { position: [x], velocity: [v] } = playback.play(now, now, none);
      assert.ok(x >= last && v <= speed);
      last = x;
    }
    assert.ok(Math.abs(last - speed * (COAST_S + BRAKE_S / 2)) < 1e-9);
  }
});

test("playback runs forward, whatever comes", () => {
  for (let seed = 1; seed <= 20; seed++) {
    const random = new Random(seed);
    const playback = new Playback({ at: 0, parent: 0, position: [0, 0, 0], rotation: [0, 0, 0, 1], velocity: [5, 0, 0], jump: false });
    let at = 0;
    for (let now = 0.05; now < 30; now += FRAME_S) {
      if (random.next() < 0.2) {
        at = Math.max(at, now - random.next() * random.pick([0.05, 0.5]));
        playback.add({ at, parent: 0, position: [5 * at, 0, 0], rotation: [0, 0, 0, 1], velocity: [5, 0, 0], jump: false }, now);
      }
      const { velocity: [v], position: [x] } = playback.play(now, now, none);
      assert.ok(v >= -1e-9 && v < 5.6 && x <= 5 * now + 1e-6, `seed ${seed}: ${x} m at ${now} s with ${v} m/s`);
    }
  }
});

test("a jump is seen as one, at its time", () => {
  const walker = (at, from, jump = false) => ({ at, parent: 0, position: [from + at, 0, 0], rotation: [0, 0, 0, 1], velocity: [1, 0, 0], jump });
  const playback = new Playback(walker(0, 0));
  const seen = [];
  for (let frame = 1; frame < 60; frame++) {
    const now = frame * FRAME_S;
    if (frame % 3 === 0) playback.add(walker(now - 0.05, now < 0.5 ? 0 : 20, true), now);
    seen.push(playback.play(now, now, none).position[0]);
  }
  const jumps = seen.filter((x, i) => i > 0 && Math.abs(x - seen[i - 1]) > 1);
  assert.equal(jumps.length, 1);
  assert.ok(jumps[0] > 20.4 && jumps[0] < 20.5, `${jumps[0]}`);
  assert.equal(seen.filter((x) => x > 1 && x < 20).length, 0);
});

test("what is farther away than a bridge reaches is shown where it is at once", () => {
  for (const [metres, bridged] of [[BRIDGE_MAX_M - 1, true], [BRIDGE_MAX_M + 1, false]]) {
    const playback = new Playback({ at: 0, parent: 0, position: [0, 0, 0], rotation: [0, 0, 0, 1], velocity: [0, 0, 0], jump: false });
    playback.play(1, 1, none);
    playback.restart({ at: 0.9, parent: 0, position: [metres, 0, 0], rotation: yaw(1), velocity: [0, 0, 0], jump: false });
    const [x] = playback.play(1, 1, none).position;
    assert.equal(x, bridged ? 0 : metres);
    const end = playback.play(1 + BRIDGE_S, 1 + BRIDGE_S, none);
    assert.deepEqual([end.position, end.rotation], [[metres, 0, 0], yaw(1)]);
  }
});

test("a flood of samples that nobody looks at is bounded", () => {
  const playback = new Playback(sampled(circle(14, 40), 0));
  for (let i = 1; i < 10 * MAX_SAMPLES; i++) playback.add(sampled(circle(14, 40), i / 60), i / 60);
  assert.equal(playback.size, MAX_SAMPLES);
});
