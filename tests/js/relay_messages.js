import { decodeControl, encodeControl } from "../../web/static/soiree/control.js";
import { encodePlaced, REST } from "../../web/static/soiree/sections.js";

/** What a relay says, for tests that have none: each goes through the codec, so that it is what the protocol allows. */

export const UUID = Uint8Array.from({ length: 16 }, (_, i) => i);

export const transform = (entity, x, more = {}) => ({
  slot: "transform", section: REST, entity, attach: 0, age: 0, teleport: false, position: [x, 0, 0], rotation: [0, 0, 0, 1], velocity: [0, 0, 0], ...more,
});

export const placed = (x = 0, more = {}) => encodePlaced([transform(0, x, more)]);

const DEFAULTS = {
  peer_joined: { name: "Ada", away: false },
  spawned: {
    re: 0, uuid: UUID, kind: "ball", owner: 2, master: 2, rule: "ask", epoch: 0, lifetime: "with-master", attach_rule: "allow", ask_timeout_ms: 2000, fallback: null,
    parent: 0, attach: 0, properties: {}, tick: 100,
  },
  granted: { re: 0, tick: 100, cause: "request" },
  refused: { entity: 0, owner: 0, epoch: 0 },
  parent_set: { re: 0, attach: 1, tick: 100 },
  rule_set: { re: 0, ask_timeout_ms: 2000, fallback: null },
};

export function message(type, fields = {}) {
  const state = type === "spawned" || type === "parent_set" ? { state: placed() } : {};
  return decodeControl(encodeControl({ type, n: 1, re: 0, ...DEFAULTS[type], ...state, ...fields }), "r");
}

export const welcome = (fields = {}) => ({
  type: "welcome", n: 0, version: [1, 0], applied: 0, fresh: true, peer: 2, host: true, room: { id: "id", code: "code", name: "Room", max_speed_m_s: 100 },
  tick: 100, tick_hz: 60, capabilities: [], ...fields,
});
