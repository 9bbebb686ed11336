import assert from "node:assert/strict";
import { test } from "node:test";
import { approach, BELIEVED_S, Glide, JUMP_M, rotationOf, turn, yawOf, yawTowards } from "../../../web/static/room/glide.js";

const near = (/** @type {number} */ a, /** @type {number} */ b, tolerance = 1e-9) => assert.ok(Math.abs(a - b) <= tolerance, `${a} is not ${b}`);

test("nothing jumps at the moment of an update", () => {
  const glide = new Glide([0, 0, 0], 0, 0);
  glide.tell([1, 0, 2], [3, 0, 0], 1, 0.5);
  const before = glide.at(0.61);
  glide.tell([2, 0, 2.5], [0, 0, 0], 1.2, 0.61);
  const after = glide.at(0.61);
  near(after.x, before.x);
  near(after.z, before.z);
  near(after.yaw, before.yaw);
});

test("a wrong guess is nearly gone after 100 ms", () => {
  const glide = new Glide([0, 0, 0], 0, 0);
  glide.tell([1, 0, 0], [0, 0, 0], 0, 1);
  near(glide.at(1.1).x, 1, 0.14);
  near(glide.at(1.3).x, 1, 0.005);
});

test("steady motion told 20 times a second is drawn within a centimetre of the truth", () => {
  const glide = new Glide([0, 0, 0], 0, 0);
  for (let tick = 1; tick <= 60; tick++) {
    const now = tick / 20;
    glide.tell([4 * now, 0, 0], [4, 0, 0], 0, now);
    if (tick > 10) for (const later of [0, 0.01, 0.03, 0.049]) near(glide.at(now + later).x, 4 * (now + later), 0.01);
  }
});

test("a velocity is not believed for ever", () => {
  const glide = new Glide([0, 0, 0], 0, 0);
  glide.tell([0, 0, 0], [10, 0, 0], 0, 0);
  near(glide.at(60).x, 10 * BELIEVED_S);
});

test("a jump is a jump", () => {
  const glide = new Glide([0, 0, 0], 0, 0);
  glide.tell([JUMP_M + 1, 0, 0], [0, 0, 0], 0, 1);
  near(glide.at(1).x, JUMP_M + 1);
});

test("a turn goes the short way round", () => {
  const glide = new Glide([0, 0, 0], 3, 0);
  glide.tell([0, 0, 0], [0, 0, 0], -3, 1);
  near(turn(glide.at(1.5).yaw + 3), 0, 1e-3);
  assert.ok(Math.abs(glide.at(1.01).yaw) > 3, "it went through zero");
});

test("one's own things are drawn where they are", () => {
  const glide = new Glide([0, 0, 0], 0, 0);
  glide.tell([1, 0, 0], [5, 0, 0], 0, 1);
  glide.place([2, 0, 3], 0.5, 1.02);
  assert.deepEqual(glide.at(1.02), { x: 2, z: 3, yaw: 0.5 });
});

test("yaw to rotation and back", () => {
  for (const yaw of [-3, -1.2, 0, 0.4, 2.9]) near(yawOf(rotationOf(yaw)), yaw);
  near(yawTowards(0, -1), 0);
  near(yawTowards(-1, 0), Math.PI / 2);
});

test("approach never goes further than it may, and arrives", () => {
  const step = approach({ x: 0, z: 0 }, { x: 30, z: 40 }, 5);
  near(step.x, 3);
  near(step.z, 4);
  assert.deepEqual(approach({ x: 0, z: 0 }, { x: 0.1, z: 0.1 }, 5), { x: 0.1, z: 0.1 });
});
