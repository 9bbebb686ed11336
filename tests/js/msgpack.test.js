import assert from "node:assert/strict";
import { test } from "node:test";

import { decodeControl } from "../../web/static/soiree/control.js";
import { WireError } from "../../web/static/soiree/errors.js";
import { decode, encode, Extension, MAX_DEPTH } from "../../web/static/soiree/msgpack.js";
import { decodePlaced } from "../../web/static/soiree/sections.js";
import { decodeFrame } from "../../web/static/soiree/state.js";
import { Random } from "./random.js";
import { hex, unhex } from "./vectors.js";

const nest = (depth) => {
  let value = 0;
  for (let i = 0; i < depth; i++) value = [value];
  return value;
};

const VALUES = [
  null, true, false, 0, 127, 128, 255, 256, 65535, 65536, 2 ** 32 - 1, 2 ** 32, 2 ** 53, -1, -32, -33, -128, -129, -32768, -32769, -(2 ** 31), -(2 ** 31) - 1,
  -(2 ** 53), 0.5, -0, NaN, Infinity, 1e300, 2n ** 63n, 2n ** 64n - 1n, -(2n ** 63n), "", "é€🎉", "x".repeat(31), "x".repeat(32), "x".repeat(300), "x".repeat(70000),
  "\ufeffkeeps its mark", new Uint8Array(0), new Uint8Array(255).fill(7), new Uint8Array(256), new Uint8Array(65536), [], [1, [2, [3]]],
  Array.from({ length: 16 }, (_, i) => i), Array(65536).fill(0), {}, { a: { b: [null] } }, Object.fromEntries(Array.from({ length: 70000 }, (_, i) => [`k${i}`, i])),
  new Map([[1, "one"], ["two", 2]]), new Extension(-1, new Uint8Array(8)), new Extension(5, new Uint8Array(300)),
];

test("every kind of value comes back as it was", () => {
  for (const value of VALUES) assert.deepEqual(decode(encode(value)), value);
});

test("bytes are those of the specification", () => {
  const cases = [
    [null, "c0"], [5, "05"], [-1, "ff"], [200, "ccc8"], [-200, "d1ff38"], [2 ** 32, "cf0000000100000000"], [1.5, "cb3ff8000000000000"],
    ["hi", "a26869"], [Uint8Array.of(1, 2), "c4020102"], [[1, 2], "920102"], [{ a: 1 }, "81a16101"],
  ];
  for (const [value, bytes] of cases) assert.equal(hex(encode(value)), bytes);
});

test("other encoders' choices are read too: float 32, fixext, wide integers", () => {
  assert.equal(decode(unhex("ca3fc00000")), 1.5);
  assert.equal(decode(unhex("d30000000000000005")), 5);
  assert.deepEqual(decode(unhex("d40509")), new Extension(5, Uint8Array.of(9)));
  assert.deepEqual(decode(unhex("de0001a16101")), { a: 1 });
});

test("a key __proto__ is an ordinary key", () => {
  const value = decode(encode(new Map([["__proto__", { polluted: true }]])));
  assert.deepEqual(Object.keys(value), ["__proto__"]);
  assert.equal(Object.getPrototypeOf(value), Object.prototype);
  assert.equal({}.polluted, undefined);
});

test(`nesting ends at ${MAX_DEPTH}, both ways`, () => {
  assert.deepEqual(decode(encode(nest(MAX_DEPTH))), nest(MAX_DEPTH));
  assert.throws(() => encode(nest(MAX_DEPTH + 1)), WireError);
  assert.throws(() => decode(unhex("91".repeat(MAX_DEPTH + 1) + "00")), WireError);
});

test("what has no form is refused", () => {
  for (const value of [() => 1, Symbol("x"), 2n ** 64n, [2n ** 70n]]) assert.throws(() => encode(value), WireError);
});

test("every truncation, and anything that follows, is refused", () => {
  const bytes = encode({ text: "x".repeat(40), list: [1, 300, -70000, 2 ** 40, 1.5], bytes: new Uint8Array(5), ext: new Extension(1, new Uint8Array(3)) });
  for (let length = 0; length < bytes.length; length++) assert.throws(() => decode(bytes.subarray(0, length)), WireError, `at ${length}`);
  assert.throws(() => decode(Uint8Array.of(...bytes, 0)), WireError);
});

test("lengths beyond the end cost nothing", () => {
  for (const text of ["ddffffffff", "dfffffffff", "dbffffffff", "c6ffffffff", "c9ffffffff00"]) assert.throws(() => decode(unhex(text)), WireError);
});

test("strings that are not UTF-8 are refused", () => {
  for (const text of ["a1ff", "a2c328", "a3eda080"]) assert.throws(() => decode(unhex(text)), WireError);
});

test("10,000 random byte strings decode or give the one error, on every decoder", () => {
  const random = new Random(20261121);
  let decoded = 0;
  for (let i = 0; i < 10000; i++) {
    const bytes = random.bytes(random.integer(0, 64));
    // Half of them get a plausible beginning, so that more than the first byte is tried.
    if (bytes.length > 2 && i % 2) bytes.set([random.pick([0x90 | random.integer(2, 15), random.integer(1, 4)]), random.integer(1, 40)]);
    for (const decoder of [decode, decodeFrame, decodePlaced, (input) => decodeControl(input, "r"), (input) => decodeControl(input, "c")]) {
      try {
        decoder(bytes);
        decoded++;
      } catch (error) {
        assert.ok(error instanceof WireError, `${hex(bytes)}: ${error}`);
      }
    }
  }
  assert.ok(decoded > 100, `only ${decoded} were anything at all`);
});
