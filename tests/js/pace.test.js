import assert from "node:assert/strict";
import { test } from "node:test";

import { Pace } from "../../web/static/soiree/pace.js";

const LIMIT = 100;

test("whoever keeps below the limit may move as often as it likes", () => {
  const pace = new Pace(0);
  for (let tick = 1; tick < 600; tick++) assert.equal(pace.step([tick - 1, 0, 0], [tick, 0, 0], tick, LIMIT), false);
});

test("a jump is one, and is forgotten once told", () => {
  const pace = new Pace(0);
  assert.equal(pace.step([0, 0, 0], [30, 0, 0], 3, LIMIT), true);
  assert.equal(pace.step([30, 0, 0], [31, 0, 0], 6, LIMIT), false);
});

test("a little too fast adds up", () => {
  const pace = new Pace(0);
  const steps = Array.from({ length: 60 }, (_, i) => pace.step([2 * i, 0, 0], [2 * i + 2, 0, 0], i + 1, LIMIT));
  assert.ok(steps.indexOf(true) > 5 && steps.filter(Boolean).length < 10);
});

test("a long way in a long time is no jump", () => {
  assert.equal(new Pace(0).step([0, 0, 0], [0, 0, 1000], 660, LIMIT), false);
});
