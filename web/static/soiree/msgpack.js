/**
 * MessagePack, small and strict: every length is checked before it is believed, and nothing nests deeper than 16.
 *
 * Maps become plain objects when all keys are strings, else `Map`. Integers beyond ±2⁵³ become `bigint`. Extensions become {@link Extension}.
 */

import { WireError } from "./errors.js";

/** How deep arrays and maps may nest, the outermost being 1. */
export const MAX_DEPTH = 16;

const UTF8 = new TextEncoder();
const STRICT_UTF8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const FIRST_BUFFER_BYTES = 256;

/** An application's own type, carried unread. */
export class Extension {
  /**
   * @param {number} type −128…127
   * @param {Uint8Array} data
   */
  constructor(type, data) {
    this.type = type;
    this.data = data;
  }
}

/** @param {unknown} value @returns {Uint8Array<ArrayBuffer>} @throws {WireError} for what MessagePack has no form for */
export function encode(value) {
  return new Writer().value(value, 0).finish();
}

/** @param {Uint8Array} bytes exactly one value @returns {unknown} @throws {WireError} */
export function decode(bytes) {
  const reader = new Reader(bytes);
  const value = reader.value(0);
  reader.end();
  return value;
}

class Writer {
  constructor() {
    this.bytes = new Uint8Array(FIRST_BUFFER_BYTES);
    this.view = new DataView(this.bytes.buffer);
    this.length = 0;
  }

  finish() {
    return this.bytes.slice(0, this.length);
  }

  /** @param {number} count @returns {number} where they start */
  room(count) {
    const start = this.length;
    this.length += count;
    if (this.length > this.bytes.length) {
      const larger = new Uint8Array(Math.max(this.length, 2 * this.bytes.length));
      larger.set(this.bytes);
      this.bytes = larger;
      this.view = new DataView(larger.buffer);
    }
    return start;
  }

  /** @param {number} byte */
  u8(byte) {
    const at = this.room(1);
    this.bytes[at] = byte;
  }

  /** @param {number} tag @param {number} value @param {1 | 2 | 4} width */
  tagged(tag, value, width) {
    const at = this.room(1 + width);
    this.bytes[at] = tag;
    if (width === 1) this.view.setUint8(at + 1, value);
    else if (width === 2) this.view.setUint16(at + 1, value);
    else this.view.setUint32(at + 1, value);
  }

  /** @param {unknown} value @param {number} depth @returns {this} */
  value(value, depth) {
    if (value === null || value === undefined) this.u8(0xc0);
    else if (typeof value === "boolean") this.u8(value ? 0xc3 : 0xc2);
    else if (typeof value === "number") this.number(value);
    else if (typeof value === "bigint") this.bigint(value);
    else if (typeof value === "string") this.string(value);
    else if (value instanceof Uint8Array) this.binary(value);
    else if (value instanceof Extension) this.extension(value);
    else if (typeof value === "object") this.nested(value, depth + 1);
    else throw new WireError(`a ${typeof value} cannot be sent`);
    return this;
  }

  /** @param {number} value */
  number(value) {
    if (!isExact(value) || Object.is(value, -0)) {
      const at = this.room(9);
      this.bytes[at] = 0xcb;
      this.view.setFloat64(at + 1, value);
    } else if (value >= 0) this.unsigned(value);
    else this.negative(value);
  }

  /** @param {number} value */
  unsigned(value) {
    if (value < 0x80) this.u8(value);
    else if (value < 0x100) this.tagged(0xcc, value, 1);
    else if (value < 0x10000) this.tagged(0xcd, value, 2);
    else if (value < 0x100000000) this.tagged(0xce, value, 4);
    else this.wide(0xcf, BigInt(value));
  }

  /** @param {number} value */
  negative(value) {
    if (value >= -0x20) this.u8(value & 0xff);
    else if (value >= -0x80) this.tagged(0xd0, value & 0xff, 1);
    else if (value >= -0x8000) this.tagged(0xd1, value & 0xffff, 2);
    else if (value >= -0x80000000) this.tagged(0xd2, value >>> 0, 4);
    else this.wide(0xd3, BigInt(value));
  }

  /** @param {bigint} value */
  bigint(value) {
    if (value >= 0n && value < 1n << 64n) this.wide(0xcf, value);
    else if (value < 0n && value >= -(1n << 63n)) this.wide(0xd3, value);
    else throw new WireError("an integer of more than 64 bits cannot be sent");
  }

  /** @param {number} tag @param {bigint} value */
  wide(tag, value) {
    const at = this.room(9);
    this.bytes[at] = tag;
    this.view.setBigUint64(at + 1, BigInt.asUintN(64, value));
  }

  /** @param {string} value */
  string(value) {
    const bytes = UTF8.encode(value);
    if (bytes.length < 32) this.u8(0xa0 | bytes.length);
    else this.lengthOf(bytes.length, 0xd9, 0xda, 0xdb);
    this.raw(bytes);
  }

  /** @param {Uint8Array} value */
  binary(value) {
    this.lengthOf(value.length, 0xc4, 0xc5, 0xc6);
    this.raw(value);
  }

  /** @param {Extension} value */
  extension(value) {
    this.lengthOf(value.data.length, 0xc7, 0xc8, 0xc9);
    this.u8(value.type & 0xff);
    this.raw(value.data);
  }

  /** @param {number} length @param {number} tag8 @param {number} tag16 @param {number} tag32 */
  lengthOf(length, tag8, tag16, tag32) {
    if (length < 0x100) this.tagged(tag8, length, 1);
    else if (length < 0x10000) this.tagged(tag16, length, 2);
    else this.tagged(tag32, length, 4);
  }

  /** @param {Uint8Array} bytes */
  raw(bytes) {
    const at = this.room(bytes.length);
    this.bytes.set(bytes, at);
  }

  /** @param {object} value @param {number} depth */
  nested(value, depth) {
    if (depth > MAX_DEPTH) throw new WireError(`nested deeper than ${MAX_DEPTH}`);
    if (Array.isArray(value)) {
      this.count(value.length, 0x90, 0xdc, 0xdd);
      for (const item of value) this.value(item, depth);
    } else {
      const entries = value instanceof Map ? [...value] : Object.entries(value);
      this.count(entries.length, 0x80, 0xde, 0xdf);
      for (const [key, item] of entries) this.value(key, depth).value(item, depth);
    }
  }

  /** @param {number} count @param {number} fix @param {number} tag16 @param {number} tag32 */
  count(count, fix, tag16, tag32) {
    if (count < 16) this.u8(fix | count);
    else if (count < 0x10000) this.tagged(tag16, count, 2);
    else this.tagged(tag32, count, 4);
  }
}

class Reader {
  /** @param {Uint8Array} bytes */
  constructor(bytes) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.at = 0;
  }

  end() {
    if (this.at !== this.bytes.length) throw new WireError(`${this.bytes.length - this.at} bytes after the value`);
  }

  /** @param {number} count @returns {number} where they start */
  take(count) {
    const start = this.at;
    if (count > this.bytes.length - start) throw new WireError("truncated");
    this.at = start + count;
    return start;
  }

  /** @param {1 | 2 | 4} width @returns {number} */
  unsigned(width) {
    const at = this.take(width);
    if (width === 1) return this.view.getUint8(at);
    return width === 2 ? this.view.getUint16(at) : this.view.getUint32(at);
  }

  /** @param {number} depth @returns {unknown} */
  value(depth) {
    const tag = this.unsigned(1);
    if (tag < 0x80) return tag;
    if (tag < 0x90) return this.map(tag & 15, depth + 1);
    if (tag < 0xa0) return this.array(tag & 15, depth + 1);
    if (tag < 0xc0) return this.string(tag & 31);
    if (tag >= 0xe0) return tag - 0x100;
    return this.tagged(tag, depth);
  }

  /** @param {number} tag 0xc0…0xdf @param {number} depth @returns {unknown} */
  tagged(tag, depth) {
    switch (tag) {
      case 0xc0: return null;
      case 0xc2: return false;
      case 0xc3: return true;
      case 0xc4: return this.binary(this.unsigned(1));
      case 0xc5: return this.binary(this.unsigned(2));
      case 0xc6: return this.binary(this.unsigned(4));
      case 0xc7: return this.extension(this.unsigned(1));
      case 0xc8: return this.extension(this.unsigned(2));
      case 0xc9: return this.extension(this.unsigned(4));
      case 0xca: return this.view.getFloat32(this.take(4));
      case 0xcb: return this.view.getFloat64(this.take(8));
      case 0xcc: return this.unsigned(1);
      case 0xcd: return this.unsigned(2);
      case 0xce: return this.unsigned(4);
      case 0xcf: return narrow(this.view.getBigUint64(this.take(8)));
      case 0xd0: return this.view.getInt8(this.take(1));
      case 0xd1: return this.view.getInt16(this.take(2));
      case 0xd2: return this.view.getInt32(this.take(4));
      case 0xd3: return narrow(this.view.getBigInt64(this.take(8)));
      case 0xd4: case 0xd5: case 0xd6: case 0xd7: case 0xd8: return this.extension(1 << (tag - 0xd4));
      case 0xd9: return this.string(this.unsigned(1));
      case 0xda: return this.string(this.unsigned(2));
      case 0xdb: return this.string(this.unsigned(4));
      case 0xdc: return this.array(this.unsigned(2), depth + 1);
      case 0xdd: return this.array(this.unsigned(4), depth + 1);
      case 0xde: return this.map(this.unsigned(2), depth + 1);
      case 0xdf: return this.map(this.unsigned(4), depth + 1);
      default: throw new WireError("0xc1 is no MessagePack");
    }
  }

  /** @param {number} length @returns {Uint8Array} */
  binary(length) {
    const at = this.take(length);
    return this.bytes.slice(at, at + length);
  }

  /** @param {number} length @returns {Extension} */
  extension(length) {
    const type = this.view.getInt8(this.take(1));
    return new Extension(type, this.binary(length));
  }

  /** @param {number} length @returns {string} */
  string(length) {
    const at = this.take(length);
    try {
      return STRICT_UTF8.decode(this.bytes.subarray(at, at + length));
    } catch {
      throw new WireError("a string that is not UTF-8");
    }
  }

  /** @param {number} count @param {number} depth */
  open(count, depth) {
    if (depth > MAX_DEPTH) throw new WireError(`nested deeper than ${MAX_DEPTH}`);
    if (count > this.bytes.length - this.at) throw new WireError("truncated");
  }

  /** @param {number} count @param {number} depth @returns {unknown[]} */
  array(count, depth) {
    this.open(count, depth);
    const items = [];
    for (let i = 0; i < count; i++) items.push(this.value(depth));
    return items;
  }

  /** @param {number} count @param {number} depth @returns {Record<string, unknown> | Map<unknown, unknown>} */
  map(count, depth) {
    this.open(2 * count, depth);
    /** @type {Map<unknown, unknown>} */
    const entries = new Map();
    for (let i = 0; i < count; i++) {
      const key = this.value(depth);
      entries.set(key, this.value(depth));
    }
    for (const key of entries.keys()) if (typeof key !== "string") return entries;
    // fromEntries defines instead of assigning: a key "__proto__" stays an ordinary key.
    return Object.fromEntries(/** @type {Map<string, unknown>} */ (entries));
  }
}

/** @param {bigint} value @returns {number | bigint} */
function narrow(value) {
  const number = Number(value);
  return value === BigInt(number) && isExact(number) ? number : value;
}

/** @param {number} value @returns {boolean} whether it is an integer that a double holds, and its neighbours too */
const isExact = (value) => Number.isInteger(value) && Math.abs(value) <= 2 ** 53;
