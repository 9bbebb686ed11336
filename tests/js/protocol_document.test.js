import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { MESSAGES } from "../../web/static/soiree/control.js";
import { REFUSALS } from "../../web/static/soiree/errors.js";
import * as limits from "../../web/static/soiree/limits.js";
import { SECTIONS } from "../../web/static/soiree/sections.js";
import { CLOSE_REASONS } from "../../web/static/soiree/transports/close_codes.js";

const DOCUMENT = readFileSync(new URL("../../docs/PROTOCOL.md", import.meta.url), "utf8");

/** Cells of the table rows under a heading. */
function rows(heading) {
  const section = DOCUMENT.split(`\n${heading}`)[1].split(/\n##+ /)[0];
  return section.split("\n").filter((line) => line.startsWith("| ") && !line.startsWith("|---")).slice(1).map((line) => line.slice(1, -1).split("|").map((cell) => cell.trim()));
}

test("the message table is the document's", () => {
  const documented = rows("## 4. Control messages").map(([code, type, from, fields]) => [Number(code), type, from, fields.replaceAll("?", "").split(", ")]);
  assert.deepEqual(MESSAGES.map(({ code, type, from, fields }) => [code, type, from, fields.map(([field]) => field)]), documented);
});

test("fields marked ? may be nil, others may not", () => {
  for (const [, type, , fields] of rows("## 4. Control messages")) {
    for (const text of fields.split(", ")) {
      const [, check] = MESSAGES.find((row) => row.type === type).fields.find(([field]) => field === text.replace("?", ""));
      if (text !== "payload") assert.equal(check(null), text.endsWith("?"), `${type}.${text}`);
    }
  }
});

test("the section table is the document's", () => {
  const documented = rows("### 5.2 Sections").map(([kind, name, bytes, slot]) => [Number(kind), name, parseInt(bytes), slot]);
  assert.deepEqual(Object.entries(SECTIONS).map(([kind, { name, bytes, slot }]) => [Number(kind), name, bytes, slot]), documented);
});

test("the bounds are the document's", () => {
  const documented = Object.fromEntries(rows("## 8. Bounds").map(([name, value]) => [name, Number(value)]));
  for (const [name, value] of Object.entries(limits)) assert.equal(value, documented[name], name);
});

test("close codes and refusals are the document's", () => {
  const documented = Object.fromEntries(rows("## 9. Reasons and close codes").map(([code, reason]) => [Number(code), reason]));
  assert.deepEqual({ ...CLOSE_REASONS }, documented);
  const refusals = DOCUMENT.split("Refusals: ")[1].split(/\n\n/)[0].match(/`[a-z-]+`/g).map((reason) => reason.slice(1, -1));
  assert.deepEqual(Object.keys(REFUSALS).sort(), refusals.sort());
});
