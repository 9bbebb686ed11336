import assert from "node:assert/strict";
import { test } from "node:test";

import { layerOf, LAYER_COUNT, LEAST_PX, metresOf, radiusM, radiusOf } from "../../../web/static/room/shapes.js";

const thing = (kind, properties = {}) => ({ kind, properties });

test("a thing is as large as its properties say, in metres, where they can be drawn", () => {
  assert.equal(radiusM(thing("box", { size: 3 })), 2);
  assert.equal(radiusM(thing("house", { width: 14, depth: 11 })), 7);
  for (const size of [0, -1, NaN, "9", null, undefined]) assert.equal(radiusM(thing("vehicle", { size })), radiusM(thing("vehicle")));
  assert.equal(metresOf(1e9), 100);
  assert.equal(metresOf(Infinity), 100);
});

test("nothing that can be taken is too small to be seen", () => {
  assert.equal(radiusOf(thing("ball"), 1), LEAST_PX);
  assert.ok(radiusOf(thing("ball"), 100) > LEAST_PX);
});

test("people are drawn over what they ride in, and that over the ground", () => {
  const order = ["house", "vehicle", "cabin", "person", "avatar"].map(layerOf);
  assert.deepEqual(order, [...order].sort((a, b) => a - b));
  assert.equal(new Set(order).size, order.length);
  for (const kind of ["avatar", "box", "something new"]) assert.ok(layerOf(kind) < LAYER_COUNT);
});
