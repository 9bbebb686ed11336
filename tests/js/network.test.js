import assert from "node:assert/strict";
import { test } from "node:test";

import { NetworkWatch, SETTLE_MS } from "../../web/static/soiree/network.js";

test("several signs of one change are told once, and none after the end", (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const target = new EventTarget();
  globalThis.addEventListener = target.addEventListener.bind(target);
  globalThis.removeEventListener = target.removeEventListener.bind(target);
  t.after(() => {
    delete globalThis.addEventListener;
    delete globalThis.removeEventListener;
  });
  let told = 0;
  const watch = new NetworkWatch(() => told++);
  target.dispatchEvent(new Event("online"));
  t.mock.timers.tick(SETTLE_MS - 1);
  target.dispatchEvent(new Event("online"));
  t.mock.timers.tick(SETTLE_MS - 1);
  assert.equal(told, 0);
  t.mock.timers.tick(1);
  assert.equal(told, 1);
  target.dispatchEvent(new Event("online"));
  watch.stop();
  target.dispatchEvent(new Event("online"));
  t.mock.timers.tick(10 * SETTLE_MS);
  assert.equal(told, 1);
});

test("where nobody tells of networks it is silent", () => new NetworkWatch(() => assert.fail()).stop());
