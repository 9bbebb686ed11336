import assert from "node:assert/strict";
import { test } from "node:test";
import { approach, rotationOf, turn, yawOf, yawTowards } from "../../../web/static/room/headings.js";

const near = (/** @type {number} */ a, /** @type {number} */ b, tolerance = 1e-9) => assert.ok(Math.abs(a - b) <= tolerance, `${a} is not ${b}`);

test("an angle is brought to the nearest of its like", () => {
  near(turn(6), 6 - 2 * Math.PI);
  near(turn(-3), -3);
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
