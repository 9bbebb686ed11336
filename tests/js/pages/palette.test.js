import assert from "node:assert/strict";
import { test } from "node:test";
import { colourOf, hueOf } from "../../../web/static/room/palette.js";

test("a peer has one colour, and nobody has grey", () => {
  assert.equal(colourOf(1583296041), colourOf(1583296041));
  assert.doesNotMatch(colourOf(0), /hsl/);
  for (const peer of [2, 3, 1000, 2 ** 31 - 1]) assert.ok(hueOf(peer) >= 0 && hueOf(peer) <= 360);
});

test("neighbours do not look alike", () => {
  for (let peer = 2; peer < 500; peer++) {
    const apart = Math.abs(hueOf(peer) - hueOf(peer + 1));
    assert.ok(Math.min(apart, 360 - apart) > 60);
  }
});
