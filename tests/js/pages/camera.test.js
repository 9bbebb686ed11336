import assert from "node:assert/strict";
import { test } from "node:test";
import { Camera, MAX_SCALE, MIN_SCALE, roundLength, scaleBar } from "../../../web/static/room/camera.js";

const near = (/** @type {number} */ a, /** @type {number} */ b) => assert.ok(Math.abs(a - b) < 1e-6, `${a} is not ${b}`);

function camera() {
  const made = new Camera();
  made.resize(800, 600);
  made.centre(12.5, -7);
  return made;
}

test("a place goes to the screen and back", () => {
  const view = camera();
  const { x, z } = view.world(view.screenX(3.25), view.screenY(-40.5));
  near(x, 3.25);
  near(z, -40.5);
});

test("what lies under the pointer stays there while zooming", () => {
  const view = camera();
  const before = view.world(120, 480);
  view.zoom(2.7, 120, 480);
  const after = view.world(120, 480);
  near(after.x, before.x);
  near(after.z, before.z);
});

test("zoom has bounds on both sides", () => {
  const view = camera();
  view.zoom(1e9);
  assert.equal(view.scale, MAX_SCALE);
  view.zoom(1e-9);
  assert.equal(view.scale, MIN_SCALE);
});

test("panning moves the world with the hand", () => {
  const view = camera();
  const held = view.world(300, 300);
  view.pan(50, -20);
  near(view.screenX(held.x), 350);
  near(view.screenY(held.z), 280);
});

test("panels shift the middle of the view to what is left of the canvas", () => {
  const view = camera();
  view.resize(1000, 600, { right: 300, bottom: 100 });
  near(view.screenX(12.5), 350);
  near(view.screenY(-7), 250);
});

test("the camera follows only past its slack", () => {
  const view = camera();
  const { scale } = view;
  view.keepNear(12.5 + 50 / scale, -7, 100);
  near(view.x, 12.5);
  view.keepNear(12.5 + 150 / scale, -7, 100);
  near(view.screenX(12.5 + 150 / scale), 400 + 100);
});

test("a million metres away a metre is still a metre", () => {
  const view = camera();
  view.centre(1e6, -1e6);
  near(view.screenX(1e6 + 1) - view.screenX(1e6), view.scale);
});

test("lengths are rounded down to 1, 2 or 5", () => {
  assert.deepEqual([9.9, 5, 4.99, 2, 1.99, 1, 0.9].map(roundLength).map((n) => Number(n.toFixed(6))), [5, 5, 2, 2, 1, 1, 0.5]);
});

test("the scale bar is never longer than allowed, and says its unit", () => {
  for (let scale = MIN_SCALE; scale <= MAX_SCALE; scale *= 1.37) {
    const bar = scaleBar(scale, 120);
    assert.ok(bar.px <= 120 + 1e-9 && bar.px > 120 / 2.6, `${bar.px} at ${scale}`);
  }
  assert.equal(scaleBar(40, 120).label, "2 m");
  assert.equal(scaleBar(0.1, 120).label, "1 km");
  assert.equal(scaleBar(200, 120).label, "50 cm");
});

test("a place is brought into the free part of the screen, and no further", () => {
  const view = camera();
  const free = { left: 350, top: 80, right: 700, bottom: 500 };
  const there = view.world(100, 300);
  view.bring(there.x, there.z, free);
  near(view.screenX(there.x), 350);
  near(view.screenY(there.z), 300);
  view.bring(there.x, there.z, { ...free, left: 500, right: 400 });
  near(view.screenX(there.x), 450);
});
