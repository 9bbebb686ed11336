import assert from "node:assert/strict";
import { test } from "node:test";
import { codeFrom, describe, Directory, MAX_DRAWN_ROOMS } from "../../../web/static/lobby/directory.js";
import { bulbsFor, hang, MAX_BULBS } from "../../../web/static/lobby/garland.js";
import { tidyName } from "../../../web/static/parts/keepsakes.js";

const room = (/** @type {string} */ id, /** @type {object} */ rest = {}) => ({
  id, code: `c${id}`, name: id, peers: 1, capacity: 4, public: true, locked: false, password: false, invite_url: "", created_at: "2026-05-01T20:00:00Z", ...rest,
});
const shown = (/** @type {Directory} */ directory) => directory.sorted().map(({ id }) => id);

test("rooms appear, change and vanish", () => {
  const directory = new Directory();
  directory.replace([room("a"), room("b")]);
  directory.put(room("c", { peers: 3 }));
  directory.remove("a");
  assert.deepEqual(shown(directory), ["c", "b"]);
  directory.put(room("c", { public: false }));
  assert.deepEqual(shown(directory), ["b"]);
  directory.replace([]);
  assert.equal(directory.size, 0);
});

test("open rooms first, then the liveliest, then the newest", () => {
  const directory = new Directory();
  directory.replace([room("full", { peers: 4 }), room("locked", { peers: 3, locked: true }), room("old", { created_at: "2026-05-01T19:00:00Z" }), room("new"), room("lively", { peers: 2 })]);
  assert.deepEqual(shown(directory), ["lively", "new", "old", "full", "locked"]);
});

test("no more rooms are drawn than the bound", () => {
  const directory = new Directory();
  directory.replace(Array.from({ length: MAX_DRAWN_ROOMS + 20 }, (_, i) => room(`r${i}`)));
  assert.equal(directory.sorted().length, MAX_DRAWN_ROOMS);
});

test("a card says what keeps one out", () => {
  assert.deepEqual(describe(room("a", { peers: 4 })), { people: "4 of 4 here", notes: ["Full"], open: false });
  assert.deepEqual(describe(room("a", { locked: true, password: true })).notes, ["Locked by its host", "Asks for a password"]);
  assert.equal(describe(room("a", { peers: 0 })).open, true);
});

test("a code is found in what was typed or pasted", () => {
  assert.equal(codeFrom(" k4 te7 "), "k4te7");
  assert.equal(codeFrom("http://party.example:8080/r/k4te7?name=x#y"), "k4te7");
  assert.equal(codeFrom("   "), "");
});

test("bulbs show every place of a small room, and a share of a large one", () => {
  assert.deepEqual(bulbsFor(3, 8), { bulbs: 8, lit: 3 });
  assert.deepEqual(bulbsFor(1, 1000), { bulbs: MAX_BULBS, lit: 1 });
  assert.deepEqual(bulbsFor(999, 1000), { bulbs: MAX_BULBS, lit: MAX_BULBS - 1 });
  assert.deepEqual(bulbsFor(1000, 1000), { bulbs: MAX_BULBS, lit: MAX_BULBS });
  assert.deepEqual(bulbsFor(0, 1000), { bulbs: MAX_BULBS, lit: 0 });
});

test("bulbs hang within the wire's sag", () => {
  for (const { x, y } of hang(30, 900, 40, 3)) assert.ok(x > 0 && x < 900 && y >= 0 && y <= 40);
});

test("names are trimmed, joined and bounded", () => {
  assert.equal(tidyName("  Ada \n  Lovelace "), "Ada Lovelace");
  assert.equal([...tidyName("é".repeat(100))].length, 64);
  assert.equal(tidyName(" \t "), "");
});
