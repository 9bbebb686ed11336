import assert from "node:assert/strict";
import { test } from "node:test";
import { clockTime, MAX_LINES, MAX_TEXT_CHARS, Talk, textOf, tidyText } from "../../../web/static/room/talk.js";

test("old lines fall out at the bound", () => {
  const talk = new Talk();
  for (let i = 0; i < MAX_LINES; i++) assert.equal(talk.add({ kind: "said", from: 2, name: "Bob", text: String(i), at: new Date() }), 0);
  assert.equal(talk.add({ kind: "said", from: 2, name: "Bob", text: "last", at: new Date() }), 1);
  assert.equal(talk.lines.length, MAX_LINES);
  assert.equal(talk.lines[0]?.text, "1");
});

test("whatever a stranger sends is text or nothing", () => {
  for (const payload of [null, undefined, 7, "text", [], {}, { text: 3 }, { text: "" }, { text: " \n " }, new Map()]) assert.equal(textOf(payload), null);
  assert.equal(textOf({ text: " hello " }), "hello");
  assert.equal(textOf(new Map([["text", "hello"]])), "hello");
  assert.equal(textOf({ text: "a\u0000\nb" }), "a b");
});

test("text is bounded by characters, not by halves of them", () => {
  assert.equal(tidyText("🎈".repeat(MAX_TEXT_CHARS + 5)), "🎈".repeat(MAX_TEXT_CHARS));
});

test("times have two digits", () => {
  assert.equal(clockTime(new Date(2026, 0, 1, 7, 5)), "07:05");
});
