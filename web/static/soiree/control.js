/**
 * Control messages (docs/PROTOCOL.md section 4): the table, and bytes to messages and back.
 *
 * In the program a message is an object: `type` is its name in that table, `n` its number, and the fields bear the document's names.
 */

import { WireError } from "./errors.js";
import * as limits from "./limits.js";
import { decode, encode } from "./msgpack.js";

/**
 * @typedef {{type: string, n: number} & Record<string, any>} ControlMessage the fields were checked against the table
 * @typedef {{type: null, n: number}} UnknownMessage of a later minor version: its number counts, nothing else does
 * @typedef {(value: unknown) => boolean} Check
 * @typedef {{code: number, type: string, from: "c" | "r" | "both", fields: readonly (readonly [string, Check])[]}} MessageType
 */

/** Major and minor version of the protocol. */
export const VERSION = Object.freeze([1, 0]);

/** @param {number} low @param {number} high @returns {Check} */
const integer = (low, high) => (value) => Number.isInteger(value) && /** @type {number} */ (value) >= low && /** @type {number} */ (value) <= high;
/** @param {number} low @param {number} high characters @returns {Check} */
const text = (low, high) => (value) => typeof value === "string" && within([...value].length, low, high);
/** @param {number} low @param {number} high @returns {Check} */
const bytes = (low, high) => (value) => value instanceof Uint8Array && within(value.length, low, high);
/** @param {string[]} names @returns {Check} */
const oneOf = (...names) => (value) => names.includes(/** @type {string} */ (value));
/** @param {Check} check @returns {Check} */
const orNil = (check) => (value) => value === null || value === undefined || check(value);
/** @param {number} low @param {number} high @returns {Check} */
const real = (low, high) => (value) => typeof value === "number" && within(value, low, high);
/** @param {unknown} value @returns {value is Record<string, unknown>} */
const isMap = (value) => typeof value === "object" && value !== null && Object.getPrototypeOf(value) === Object.prototype;
/** @param {number} value @param {number} low @param {number} high */
const within = (value, low, high) => value >= low && value <= high;

const U32 = 0xffffffff;
const number = integer(0, U32);
const entity = integer(1, 0xffffff);
const entityOrNone = integer(0, 0xffffff);
/** −k: what the k-th message of the same group spawns. */
const entityOrEarlier = integer(-limits.MAX_GROUP_MESSAGES, 0xffffff);
const peer = integer(2, 0x7fffffff);
const peerOrNobody = integer(0, 0x7fffffff);
const address = integer(-0x7fffffff, 0x7fffffff);
const epoch = number;
const tick = number;
const bool = /** @type {Check} */ ((value) => typeof value === "boolean");
const name = text(1, limits.MAX_NAME_CHARS);
const kind = text(1, limits.MAX_KIND_CHARS);
const note = text(0, limits.MAX_NOTE_CHARS);
const reason = text(0, limits.MAX_REASON_CHARS);
const anyText = text(0, limits.MAX_CONTROL_BYTES);
const timeoutMs = integer(100, 60000);
const placed = bytes(28, limits.MAX_PLACED_BYTES);
const data = bytes(0, limits.MAX_RELIABLE_DATA_BYTES);
const uuid = bytes(16, 16);
const attachCount = integer(0, 255);
const rule = oneOf("ask", "allow", "deny");
const lifetime = oneOf("with-master", "with-room", "persistent");
const attachRule = oneOf("allow", "owner", "deny");
const children = oneOf("reparent", "along");
const relevance = oneOf("near", "always");
const cause = oneOf("request", "answer", "assign", "release", "lapse", "left", "resume", "adopt");
const coordinate = real(-(2 ** 37), 2 ** 37);
const radius = real(0, 65536);
const anything = /** @type {Check} */ (() => true);
/** @type {Check} */
const messages = (value) => Array.isArray(value) && within(value.length, 1, limits.MAX_GROUP_MESSAGES);
/** @type {Check} */
const audienced = (value) => Array.isArray(value) && value.length <= limits.MAX_AUDIENCE_PEERS && value.every(peer);
/** @type {Check} */
const version = (value) => Array.isArray(value) && value.length >= 2 && value.every(integer(0, 65535));
/** @type {Check} */
const capabilities = (value) => Array.isArray(value) && value.length <= 32 && value.every(text(0, 32));
/** @type {Check} */
const condition = (value) => Array.isArray(value) && value.length >= 2 && entityOrNone(value[0]) && epoch(value[1]);
/** @type {Check} */
const property = (value) => value === null || typeof value === "boolean" || typeof value === "number" || typeof value === "string" || value instanceof Uint8Array;
/** @type {Check} */
const properties = (value) => isMap(value) && Object.keys(value).length <= limits.MAX_PROPERTIES
  && Object.entries(value).every(([key, item]) => kind(key) && property(item));
/** @type {Check} */
const room = (value) => isMap(value) && typeof value.id === "string" && typeof value.code === "string" && typeof value.name === "string"
  && typeof value.max_speed_m_s === "number";

/** @param {number} code @param {string} type @param {MessageType["from"]} from @param {Record<string, Check>} fields @returns {MessageType} */
const row = (code, type, from, fields) => ({ code, type, from, fields: Object.entries(fields) });

/** The table of PROTOCOL section 4, in its order. @type {readonly MessageType[]} */
export const MESSAGES = Object.freeze([
  row(1, "hello", "c", { version, applied: number, fresh: bool, agent: name, capabilities }),
  row(2, "welcome", "r", { version, applied: number, fresh: bool, peer, host: bool, room, tick, tick_hz: integer(1, 1000), capabilities }),
  row(3, "error", "r", { code: reason, message: anyText }),
  row(4, "bye", "both", { reason }),
  row(5, "peer_joined", "r", { peer, name, away: bool }),
  row(6, "peer_away", "r", { peer, away: bool }),
  row(7, "peer_left", "r", { peer, reason }),
  row(10, "spawn", "c", {
    kind, state: placed, rule, lifetime, properties, parent: entityOrEarlier, attach_rule: attachRule, condition: orNil(condition), relevance,
  }),
  row(11, "spawned", "r", {
    re: number, entity, uuid, kind, owner: peerOrNobody, master: peerOrNobody, rule, epoch, lifetime, attach_rule: attachRule,
    ask_timeout_ms: timeoutMs, fallback: orNil(rule), parent: entityOrNone, attach: attachCount, properties, tick, state: placed,
  }),
  row(12, "despawn", "c", { entity, children }),
  row(13, "despawned", "r", { re: number, entity, reason }),
  row(14, "request", "c", { entity, epoch, note }),
  row(15, "ask", "r", { ticket: number, entity, peer, note, timeout_ms: timeoutMs }),
  row(16, "answer", "c", { ticket: number, allow: bool }),
  row(17, "granted", "r", { re: number, entity, owner: peerOrNobody, epoch, tick, cause }),
  row(18, "refused", "r", { re: number, entity: entityOrNone, reason, owner: peerOrNobody, epoch }),
  row(19, "assign", "c", { entity, peer, subtree: bool }),
  row(20, "release", "c", { entity }),
  row(21, "set_rule", "c", { entity, rule, ask_timeout_ms: timeoutMs, fallback: orNil(rule) }),
  row(22, "rule_set", "r", { re: number, entity, rule, ask_timeout_ms: timeoutMs, fallback: orNil(rule) }),
  row(23, "set_master", "c", { entity, peer }),
  row(24, "master_set", "r", { re: number, entity, master: peerOrNobody }),
  row(25, "set_lifetime", "c", { entity, lifetime }),
  row(26, "lifetime_set", "r", { re: number, entity, lifetime }),
  row(27, "set_parent", "c", { entity, parent: entityOrEarlier, state: placed, condition: orNil(condition) }),
  row(28, "parent_set", "r", { re: number, entity, parent: entityOrNone, attach: attachCount, tick, state: placed }),
  row(29, "set_attach_rule", "c", { entity, attach_rule: attachRule }),
  row(30, "attach_rule_set", "r", { re: number, entity, attach_rule: attachRule }),
  row(31, "set_properties", "c", { entity, properties }),
  row(32, "properties_set", "r", { re: number, entity, properties }),
  row(33, "send_event", "c", { name, payload: anything, to: address, entity: entityOrNone, condition: orNil(condition) }),
  row(34, "event", "r", { re: number, peer, name, payload: anything, entity: entityOrNone }),
  row(35, "send_data", "c", { to: address, payload: data }),
  row(36, "data", "r", { peer, payload: data }),
  row(37, "view", "c", { x: coordinate, y: coordinate, z: coordinate, radius_m: radius }),
  row(38, "budget", "c", { kbit_s: integer(0, 1_000_000) }),
  row(39, "done", "r", { re: number }),
  row(40, "group", "both", { messages }),
  row(42, "set_audience", "c", { audience: integer(0, limits.MAX_AUDIENCES - 1), peers: audienced }),
]);

const BY_CODE = new Map(MESSAGES.map((type) => [type.code, type]));
const BY_TYPE = new Map(MESSAGES.map((type) => [type.type, type]));

/** Types that belong to a connection and have number 0. */
const UNNUMBERED = new Set(["hello", "welcome", "error", "bye"]);
/** Types that are never in a group. */
const ALONE = new Set([...UNNUMBERED, "group"]);
/** Fields that may be left out, and what that means. @type {Readonly<Record<string, unknown>>} */
const DEFAULTS = Object.freeze({ relevance: "near" });

/** @param {string | null} type @returns {boolean} whether messages of that type are numbered */
export const isNumbered = (type) => type === null || !UNNUMBERED.has(type);

/**
 * @param {ControlMessage} message a field left out is nil; the `messages` of a group are such objects too, their number is 0
 * @returns {Uint8Array<ArrayBuffer>}
 * @throws {WireError} when a field is not what the table says, or the whole is longer than MAX_CONTROL_BYTES
 */
export function encodeControl(message) {
  const bytes = encode(toArray(message));
  if (bytes.length > limits.MAX_CONTROL_BYTES) throw new WireError(`${message.type} of ${bytes.length} bytes, ${limits.MAX_CONTROL_BYTES} at most`);
  return bytes;
}

/** @param {ControlMessage} message @returns {unknown[]} */
function toArray(message) {
  const type = BY_TYPE.get(message.type);
  if (!type) throw new WireError(`there is no message ${message.type}`);
  const values = type.fields.map(([field, check]) => {
    const value = message[field] ?? DEFAULTS[field] ?? null;
    if (!check(value)) throw new WireError(`${type.type}.${field} cannot be ${describe(value)}`);
    return field === "messages" ? value.map(grouped) : value;
  });
  return [type.code, message.n, ...values];
}

/** @param {ControlMessage} message @returns {unknown[]} as it stands in a group */
function grouped(message) {
  if (ALONE.has(message.type)) throw new WireError(`${message.type} cannot be in a group`);
  return toArray({ ...message, n: 0 });
}

/**
 * @param {Uint8Array} bytes
 * @param {"c" | "r"} from who sent it
 * @returns {ControlMessage | UnknownMessage} of a group, `messages` are such messages again, with number 0
 * @throws {WireError}
 */
export function decodeControl(bytes, from = "r") {
  if (bytes.length > limits.MAX_CONTROL_BYTES) throw new WireError(`a message of ${bytes.length} bytes`);
  return fromArray(decode(bytes), from);
}

/** @param {unknown} array @param {"c" | "r"} from @returns {ControlMessage | UnknownMessage} */
function fromArray(array, from) {
  if (!Array.isArray(array) || array.length < 2) throw new WireError("a control message is an array [type, n, …]");
  const [code, n, ...values] = array;
  if (!integer(0, U32)(code) || !number(n)) throw new WireError("a control message begins with its type and its number");
  const type = BY_CODE.get(code);
  if (!type) return { type: null, n };
  if (type.from !== "both" && type.from !== from) throw new WireError(`${type.type} comes from the other side`);
  /** @type {ControlMessage} */
  const message = { type: type.type, n };
  type.fields.forEach(([field, check], i) => {
    const value = i < values.length ? values[i] : DEFAULTS[field];
    if (value === undefined) throw new WireError(`${type.type} lacks fields`);
    if (!check(value)) throw new WireError(`${type.type}.${field} is out of range`);
    message[field] = field === "messages" ? value.map((/** @type {unknown} */ one) => fromGroup(one, from)) : value;
  });
  return message;
}

/** @param {unknown} array @param {"c" | "r"} from @returns {ControlMessage | UnknownMessage} */
function fromGroup(array, from) {
  const message = fromArray(array, from);
  if (message.n !== 0) throw new WireError("a message in a group has number 0");
  if (message.type !== null && ALONE.has(message.type)) throw new WireError(`${message.type} cannot be in a group`);
  return message;
}

/** @param {unknown} value @returns {string} */
function describe(value) {
  if (typeof value === "string") return `a text of ${value.length} characters`;
  if (value instanceof Uint8Array) return `${value.length} bytes`;
  if (Array.isArray(value)) return `a list of ${value.length}`;
  return typeof value === "object" ? `this ${value === null ? "null" : "object"}` : String(value);
}
