/** What a new entity is to be, and the command that asks for it (docs/PROTOCOL.md section 4). */

import { conditionOf, transformOf } from "./entity.js";
import { encodePlaced, POSE, PROPS } from "./sections.js";

/** @typedef {import("./entity.js").Entity} Entity */
/** @typedef {import("./quantise.js").Quaternion} Quaternion */
/** @typedef {import("./quantise.js").Vector3} Vector3 */

/**
 * @typedef {object} SpawnOptions
 * @property {Vector3} position metres; with a parent relative to it
 * @property {Quaternion} [rotation]
 * @property {Vector3} [velocity] m/s
 * @property {boolean} [upright] turns about +Y only
 * @property {import("./entity.js").Rule} [rule] `ask` by default
 * @property {import("./entity.js").Lifetime} [lifetime] `with-master` by default
 * @property {Record<string, import("./entity.js").Property>} [properties]
 * @property {Entity | null} [parent]
 * @property {import("./entity.js").AttachRule} [attachRule] `allow` by default
 * @property {import("./entity.js").Condition} [condition] refused unless we own that entity at that epoch
 * @property {Partial<import("./sections.js").PoseJoints>} [pose]
 * @property {Uint8Array} [props]
 * @property {"near" | "always"} [relevance] `near` by default: told to whoever has it in sight; `always`: to everybody in the room
 */

/**
 * @param {string} kind
 * @param {Omit<SpawnOptions, "parent">} options
 * @param {boolean} riding whether it has a parent
 * @returns {{type: string} & Record<string, unknown>} without its parent
 */
export function spawnMessage(kind, options, riding) {
  const {
    rule = "ask", lifetime = "with-master", properties = {}, attachRule = "allow", condition, pose, props, relevance = "near", ...motion
  } = options;
  const rest = { position: motion.position, rotation: IDENTITY, velocity: STILL, upright: false, parentId: 0, attach: 0 };
  /** @type {import("./sections.js").StateRecord[]} */
  const records = [{ ...transformOf(rest, motion, riding), entity: 0 }];
  if (pose) records.push({ slot: "pose", section: POSE, entity: 0, pose: { head: null, left: null, right: null, ...pose } });
  if (props) records.push({ slot: "props", section: PROPS, entity: 0, bytes: props });
  return {
    type: "spawn", kind, state: encodePlaced(records), rule, lifetime, properties, attach_rule: attachRule, condition: conditionOf(condition), relevance,
  };
}

const IDENTITY = /** @type {Quaternion} */ ([0, 0, 0, 1]);
const STILL = /** @type {Vector3} */ ([0, 0, 0]);
