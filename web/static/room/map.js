import { Camera, scaleBar } from "./camera.js";
import { yawOf } from "./headings.js";
import { fading, Painter } from "./painter.js";
import { colourOf } from "./palette.js";
import { choosePlates } from "./plates.js";
import { Scenery } from "./scenery.js";
import { LAYER_COUNT, layerOf, radiusOf } from "./shapes.js";

/** @typedef {import("../soiree/entity.js").Entity} Entity */
/** @typedef {import("./painter.js").Placed} Placed */

/** The map goes on drawing for so long after the last change, seconds: what moves is shown up to a second late, and slows down for as long. */
const AWAKE_S = 2.5;
/** Longest step of what moves by itself, seconds: after a pause nothing leaps. */
const LONGEST_STEP_S = 0.25;
/** Pixels around a thing in which it is still hit. */
const HIT_PX = 10;
/** Characters of a plate. */
const PLATE_CHARS = 28;
const SIGN_CHARS = 48;
/** Below this scale cabins and who rides in them are not drawn, nor names but those of people near, pixels for one metre. */
const DETAILS_FROM_SCALE = 8;
/** What is farther from the view by what was told of it last is not drawn in it, metres. */
const FARTHEST_M = 120;
/** In a crowd only one's own light is drawn. */
const MOST_GLOWS = 40;

const now = () => performance.now() / 1000;

/** The canvas: draws the room's entities whenever something changes, and tells what lies under a pixel. */
export class RoomMap {
  camera = new Camera();
  /** What may move. @type {Map<number, Entity>} */
  #lively = new Map();
  #scenery = new Scenery();
  /** Where one looks from: what is far from there fades. @type {() => {x: number, z: number}} */
  viewpoint = () => this.camera;
  /** The entity with a ring of dashes. @type {number} */
  selected = 0;
  /** What moves by itself while drawn: it gets the seconds gone by, and says whether it is still moving. @type {((stepS: number) => boolean)[]} */
  movers = [];
  /** Frames drawn so far. */
  drawn = 0;

  #canvas;
  #context;
  #painter;
  #nameOf;
  #awakeUntil = 0;
  #last = 0;
  #asked = false;
  #onScale;

  /**
   * @param {HTMLCanvasElement} canvas
   * @param {(peer: number) => string} nameOf
   * @param {(bar: {px: number, label: string}) => void} onScale the scale bar has changed
   */
  constructor(canvas, nameOf, onScale) {
    this.#canvas = canvas;
    this.#context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
    this.#painter = new Painter(this.#context);
    this.#nameOf = nameOf;
    this.#onScale = onScale;
    new ResizeObserver(() => this.resize()).observe(canvas);
    document.addEventListener("themechange", () => this.resize());
    document.addEventListener("visibilitychange", () => this.wake());
    this.resize();
  }

  /** Pixels hidden by panels at the edges. @type {{left?: number, right?: number, top?: number, bottom?: number}} */
  covered = {};

  resize() {
    const { clientWidth: width, clientHeight: height } = this.#canvas;
    const ratio = Math.min(devicePixelRatio || 1, 2);
    this.#canvas.width = Math.max(1, Math.round(width * ratio));
    this.#canvas.height = Math.max(1, Math.round(height * ratio));
    this.#context.setTransform(ratio, 0, 0, ratio, 0, 0);
    this.#painter.resize(ratio);
    this.#scenery.restyle(this.#painter.readTheme(), ratio);
    this.camera.resize(width, height, this.covered);
    this.wake();
  }

  /** @param {Entity} entity that is there, has moved or changed */
  tell(entity) {
    if (!this.#lively.has(entity.id) && !this.#scenery.take(entity)) {
      // What moves once may do so again.
      this.#scenery.remove(entity.id);
      this.#lively.set(entity.id, entity);
    }
    this.wake();
  }

  /** How much stands about. */
  get scenery() {
    return this.#scenery.size;
  }

  /** @param {Entity} entity */
  remove(entity) {
    this.#lively.delete(entity.id);
    this.#scenery.remove(entity.id);
    this.wake();
  }

  /** Something may look different from now: draw for a while. */
  wake() {
    this.#awakeUntil = now() + AWAKE_S;
    if (this.#asked) return;
    this.#asked = true;
    this.#last = now();
    requestAnimationFrame((timestamp) => this.#frame(timestamp));
  }

  /** @param {number} timestamp milliseconds */
  #frame(timestamp) {
    const at = now();
    const stepS = Math.min(at - this.#last, LONGEST_STEP_S);
    this.#last = at;
    let moving = false;
    for (const mover of this.movers) moving = mover(stepS) || moving;
    if (moving) this.#awakeUntil = at + AWAKE_S;
    if (!document.hidden && this.#draw(timestamp)) this.#awakeUntil = Math.max(this.#awakeUntil, at + LONGEST_STEP_S);
    this.#asked = at < this.#awakeUntil;
    if (this.#asked) requestAnimationFrame((next) => this.#frame(next));
  }

  /** @param {number} timestamp milliseconds @returns {boolean} whether more is to be drawn soon */
  #draw(timestamp) {
    const { camera } = this;
    this.drawn++;
    const { x, z } = this.viewpoint();
    this.#painter.floor(camera);
    const more = this.#scenery.draw(this.#context, camera, timestamp);
    if (this.#scenery.size) this.#painter.fog(camera, x, z);
    this.#onScale(scaleBar(camera.scale, 110));
    const layers = this.#place(timestamp);
    const people = /** @type {Placed[]} */ (layers.at(-1));
    for (const one of people) if (people.length <= MOST_GLOWS || one.entity.isMine) this.#painter.glow(one, camera.scale);
    for (const layer of layers) {
      for (const one of layer) {
        if (one.entity.kind === "avatar" && one.entity.isMine) this.#painter.self(one);
        this.#painter.thing(one, one.entity.id === this.selected);
      }
    }
    for (const plate of choosePlates(layers.flatMap((layer) => layer.flatMap((one) => this.#plates(one))))) this.#painter.plate(plate);
    return more;
  }

  /** What is in view and may move, by layer, the lowest first. @param {number} timestamp milliseconds @returns {Placed[][]} */
  #place(timestamp) {
    const { camera } = this;
    const view = this.viewpoint();
    /** @type {Placed[][]} */
    const layers = Array.from({ length: LAYER_COUNT }, () => []);
    for (const entity of this.#lively.values()) {
      if (camera.scale < DETAILS_FROM_SCALE && entity.parentId !== 0 && !entity.isMine && entity.id !== this.selected) continue;
      if (entity.parentId === 0 && !camera.sees(entity.position[0], entity.position[2], FARTHEST_M * camera.scale + 100)) continue;
      const { position: [x, , z], rotation } = entity.smooth(timestamp);
      const r = radiusOf(entity, camera.scale);
      if (!camera.sees(x, z, r + 100)) continue;
      const alpha = this.#scenery.size === 0 || entity.isMine || entity.isMastered || entity.id === this.selected ? 1 : fading(Math.hypot(x - view.x, z - view.z));
      if (alpha > 0) layers[layerOf(entity.kind)]?.push({ entity, px: camera.screenX(x), py: camera.screenY(z), r, yaw: yawOf(rotation), alpha });
    }
    return layers;
  }

  /** Names of people, words of signs, and what the chosen thing is. @param {Placed} placed @returns {import("./plates.js").Plate[]} */
  #plates({ entity, px, py, r, alpha }) {
    const chosen = entity.id === this.selected;
    if (!chosen && !entity.isMine && (alpha < 0.5 || this.camera.scale < DETAILS_FROM_SCALE / 2)) return [];
    const plate = (/** @type {string} */ words, /** @type {number} */ below, /** @type {number} */ weight, /** @type {string | null} */ colour = null) => {
      const short = shorten(words, entity.kind === "sign" ? SIGN_CHARS : PLATE_CHARS);
      return { words: short, px, py: py + below, width: this.#painter.plateWidth(short, colour), colour, weight };
    };
    if (entity.kind === "avatar") {
      const name = entity.isMine ? "You" : this.#nameOf(entity.owner || entity.master);
      return [plate(name, r + 20, entity.isMine || chosen ? 4 : 2, colourOf(entity.owner))];
    }
    const text = entity.properties["text"] ?? entity.properties["label"];
    const plates = typeof text === "string" && text ? [plate(text, -r - 22, chosen ? 4 : entity.kind === "sign" ? 2 : 1)] : [];
    return chosen ? [...plates, plate(`${entity.kind} ${entity.id}`, r + 26, 3)] : plates;
  }

  /** Where an entity seems to be. @param {number} id @returns {{x: number, z: number, yaw: number} | null} */
  whereIs(id) {
    const still = this.#scenery.get(id);
    const entity = still?.entity ?? this.#lively.get(id);
    if (!entity) return null;
    const { position: [x, , z], rotation } = entity.smooth();
    return { x, z, yaw: yawOf(rotation) };
  }

  /** The topmost entity under a pixel. @param {number} px @param {number} py @param {(entity: Entity) => boolean} [wanted] @returns {Entity | null} */
  hit(px, py, wanted = () => true) {
    const placed = this.#place(performance.now()).flat().filter(({ entity }) => wanted(entity));
    const near = placed.filter((one) => Math.hypot(one.px - px, one.py - py) <= one.r + HIT_PX);
    const inside = near.filter((one) => Math.hypot(one.px - px, one.py - py) <= one.r);
    const found = (inside.at(-1) ?? near.at(-1))?.entity;
    if (found) return found;
    const { x, z } = this.camera.world(px, py);
    const still = this.#scenery.hit(x, z, HIT_PX / this.camera.scale);
    return still && wanted(still) ? still : null;
  }
}

/** @param {string} words @param {number} most characters */
function shorten(words, most) {
  const characters = [...words];
  return characters.length > most ? `${characters.slice(0, most - 1).join("")}…` : words;
}
