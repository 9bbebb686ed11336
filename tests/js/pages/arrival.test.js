import assert from "node:assert/strict";
import { test } from "node:test";
import { CLEAR_M, freeSpot } from "../../../web/static/room/arrival.js";

const apart = (/** @type {{x: number, z: number}} */ a, /** @type {{x: number, z: number}} */ b) => Math.hypot(a.x - b.x, a.z - b.z);

test("in an empty room one stands where one starts", () => {
  assert.deepEqual(freeSpot({ x: 1, z: -2 }, []), { x: 1, z: -2 });
});

test("forty who arrive at one place stand on nobody's feet, and near", () => {
  const start = { x: 0, z: 0 };
  /** @type {{x: number, z: number}[]} */
  const taken = [];
  for (let i = 0; i < 40; i++) {
    const spot = freeSpot(start, taken);
    for (const other of taken) assert.ok(apart(spot, other) >= CLEAR_M);
    assert.ok(apart(spot, start) < 11);
    taken.push(spot);
  }
});

test("where no place is free, one comes in nevertheless", () => {
  const crowd = Array.from({ length: 61 * 61 }, (_, i) => ({ x: (i % 61) - 30, z: Math.floor(i / 61) - 30 }));
  const { x, z } = freeSpot({ x: 0, z: 0 }, crowd);
  assert.ok(Number.isFinite(x) && Number.isFinite(z));
});
