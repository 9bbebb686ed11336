import assert from "node:assert/strict";
import { test } from "node:test";
import { abilities } from "../../../web/static/room/abilities.js";

const ME = 7;
const names = (/** @type {number} */ peer) => ({ 7: "me", 8: "Bob", 9: "Eve" })[peer] ?? "?";
const of = (/** @type {number} */ owner, /** @type {number} */ master, rule = "ask") => abilities({ owner, master, rule }, ME, names);

test("owner and master at once has everything, and nothing to ask for", () => {
  const may = of(ME, ME);
  assert.deepEqual([may.request, may.release, may.master, may.write], [null, false, true, true]);
});

test("an owner who is not the master may release", () => {
  const may = of(ME, 8);
  assert.deepEqual([may.request, may.release, may.master, may.write], [null, true, false, true]);
  assert.match(may.why, /back to Bob/);
});

test("an owner of what has no master cannot release it", () => {
  assert.equal(of(ME, 0).release, false);
});

test("a master takes back whatever the rule", () => {
  for (const rule of ["ask", "allow", "deny"]) assert.equal(of(8, ME, rule).request, "take");
});

test("a stranger takes, asks or may not, by the rule", () => {
  assert.deepEqual(["allow", "ask", "deny"].map((rule) => of(8, 9, rule).request), ["take", "ask", null]);
  for (const rule of ["allow", "ask", "deny"]) {
    const may = of(8, 9, rule);
    assert.deepEqual([may.release, may.master, may.write], [false, false, false]);
    assert.ok(may.why.length > 5);
  }
});
