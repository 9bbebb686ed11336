import assert from "node:assert/strict";
import { test } from "node:test";

import { Playback } from "../../web/static/soiree/interpolation.js";
import { load } from "./vectors.js";

const NEAR = 1e-6;
const near = (a, b) => a.every((value, i) => Math.abs(value - b[i]) <= NEAR);

for (const { name, steps } of load("interpolation")) {
  test(`${name}: played as in Python`, () => {
    let playback = null;
    steps.forEach(({ add, play, delay_s: delayS, shown }, i) => {
      if (add) {
        const { at_s: at, arrived_s: arrivedS, ...rest } = add;
        const sample = { at, ...rest };
        if (playback) playback.add(sample, arrivedS);
        else playback = new Playback(sample);
        return;
      }
      const { position, rotation, velocity } = playback.play(play.now, play.relay_s, (id) => play.parents[id] ?? null);
      const about = `step ${i}: ${JSON.stringify({ position, rotation, velocity })} is not ${JSON.stringify(shown)}`;
      assert.ok(Math.abs(playback.delayS - delayS) <= NEAR, `step ${i}: ${playback.delayS} is not ${delayS}`);
      assert.ok(near(position, shown.position) && near(velocity, shown.velocity), about);
      assert.ok(near(rotation, shown.rotation) || near(rotation.map((c) => -c), shown.rotation), about);
    });
  });
}
