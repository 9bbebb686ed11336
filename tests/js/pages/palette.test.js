import assert from "node:assert/strict";
import { test } from "node:test";
import { COLOURS, Palette } from "../../../web/static/room/palette.js";

test("as many people as there are colours all look different", () => {
  const palette = new Palette();
  const peers = Array.from({ length: COLOURS }, (_, i) => 1000 + i * COLOURS); // all would like the same one
  palette.seat(peers);
  assert.equal(new Set(peers.map((peer) => palette.colour(peer))).size, COLOURS);
  palette.seat([...peers, 7]);
  assert.match(palette.colour(7), /^hsl/);
});

test("whoever is here keeps its colour when others come and go", () => {
  const palette = new Palette();
  palette.seat([48, 72]);
  const before = [palette.colour(48), palette.colour(72)];
  palette.seat([24, 48, 72]);
  assert.deepEqual([palette.colour(48), palette.colour(72)], before);
  palette.seat([72]);
  assert.equal(palette.colour(72), before[1]);
});

test("whoever gives no offence has the same colour on every screen", () => {
  const [one, other] = [new Palette(), new Palette()];
  one.seat([1583296041]);
  other.seat([1583296041, 1583296042]);
  assert.equal(one.colour(1583296041), other.colour(1583296041));
});

test("nobody is grey", () => {
  assert.doesNotMatch(new Palette().colour(0), /hsl/);
});
