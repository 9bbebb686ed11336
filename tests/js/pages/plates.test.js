import assert from "node:assert/strict";
import { test } from "node:test";
import { choosePlates, MAX_PLATES } from "../../../web/static/room/plates.js";

const plate = (/** @type {string} */ words, /** @type {number} */ px, weight = 1) => ({ words, px, py: 0, width: 50, colour: null, weight });
const words = (/** @type {{words: string}[]} */ plates) => plates.map((one) => one.words).sort();

test("of two that collide the heavier is drawn", () => {
  assert.deepEqual(words(choosePlates([plate("light", 0), plate("heavy", 30, 2), plate("aside", 100)])), ["aside", "heavy"]);
});

test("plates above each other do not collide", () => {
  assert.equal(choosePlates([plate("a", 0), { ...plate("b", 0), py: 22 }]).length, 2);
});

test("there is a bound", () => {
  assert.equal(choosePlates(Array.from({ length: MAX_PLATES + 30 }, (_, i) => plate(String(i), i * 60))).length, MAX_PLATES);
});
