import { Camera, scaleBar } from "./camera.js";
import { Figure } from "./figure.js";
import { Painter } from "./painter.js";
import { colourOf } from "./palette.js";
import { choosePlates } from "./plates.js";
import { radiusOf } from "./shapes.js";

/** @typedef {import("../soiree/entity.js").Entity} Entity */
/** @typedef {import("./painter.js").Placed} Placed */

/** The map goes on drawing for so long after the last change, seconds. */
const AWAKE_S = 0.7;
/** Longest step of what moves by itself, seconds: after a pause nothing leaps. */
const LONGEST_STEP_S = 0.25;
/** Pixels around a thing in which it is still hit. */
const HIT_PX = 10;
/** Characters of a plate. */
const PLATE_CHARS = 28;
const SIGN_CHARS = 48;

const now = () => performance.now() / 1000;

/** The canvas: draws the room's entities whenever something changes, and tells what lies under a pixel. */
export class RoomMap {
  camera = new Camera();
  /** @type {Map<number, Figure>} */
  figures = new Map();
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
    document.addEventListener("themechange", () => {
      this.#painter.readTheme();
      this.wake();
    });
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
    this.camera.resize(width, height, this.covered);
    this.wake();
  }

  /** @param {Entity} entity */
  add(entity) {
    const known = this.figures.get(entity.id);
    if (known?.entity === entity) known.tell(now());
    else this.figures.set(entity.id, new Figure(entity, now()));
    this.wake();
  }

  /** @param {Entity} entity that has moved or changed */
  tell(entity) {
    this.figures.get(entity.id)?.tell(now());
    this.wake();
  }

  /** @param {Entity} entity */
  remove(entity) {
    this.figures.delete(entity.id);
    this.wake();
  }

  /** Something may look different from now: draw for a while. */
  wake() {
    this.#awakeUntil = now() + AWAKE_S;
    if (this.#asked) return;
    this.#asked = true;
    this.#last = now();
    requestAnimationFrame(() => this.#frame());
  }

  #frame() {
    const at = now();
    const stepS = Math.min(at - this.#last, LONGEST_STEP_S);
    this.#last = at;
    let moving = false;
    for (const mover of this.movers) moving = mover(stepS) || moving;
    if (moving) this.#awakeUntil = at + AWAKE_S;
    if (!document.hidden) this.#draw(at);
    this.#asked = at < this.#awakeUntil;
    if (this.#asked) requestAnimationFrame(() => this.#frame());
  }

  /** @param {number} at seconds */
  #draw(at) {
    const { camera } = this;
    this.drawn++;
    this.#painter.floor(camera);
    this.#onScale(scaleBar(camera.scale, 110));
    const placed = this.#place(at);
    for (const one of placed) if (one.entity.kind === "avatar") this.#painter.glow(one, camera.scale);
    for (const one of placed) {
      if (one.entity.kind === "avatar" && one.entity.isMine) this.#painter.self(one);
      this.#painter.thing(one, one.entity.id === this.selected);
    }
    for (const plate of choosePlates(placed.flatMap((one) => this.#plates(one)))) this.#painter.plate(plate);
  }

  /** What is in view, people over things, small over large. @param {number} at seconds @returns {Placed[]} */
  #place(at) {
    const { camera } = this;
    /** @type {Placed[]} */
    const placed = [];
    for (const figure of this.figures.values()) {
      const { entity } = figure;
      const { x, z, yaw } = figure.at(at, this.figures);
      const r = radiusOf(entity.kind, camera.scale);
      if (camera.sees(x, z, r + 100)) placed.push({ entity, px: camera.screenX(x), py: camera.screenY(z), r, yaw });
    }
    const rank = (/** @type {Placed} */ one) => (one.entity.kind === "avatar" ? 1e6 : 0) - one.r;
    return placed.sort((a, b) => rank(a) - rank(b) || a.entity.id - b.entity.id);
  }

  /** Names of people, words of signs, and what the chosen thing is. @param {Placed} placed @returns {import("./plates.js").Plate[]} */
  #plates({ entity, px, py, r }) {
    const chosen = entity.id === this.selected;
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
    return this.figures.get(id)?.at(now(), this.figures) ?? null;
  }

  /** The topmost entity under a pixel. @param {number} px @param {number} py @param {(entity: Entity) => boolean} [wanted] @returns {Entity | null} */
  hit(px, py, wanted = () => true) {
    const placed = this.#place(now()).filter(({ entity }) => wanted(entity));
    const near = placed.filter((one) => Math.hypot(one.px - px, one.py - py) <= one.r + HIT_PX);
    const inside = near.filter((one) => Math.hypot(one.px - px, one.py - py) <= one.r);
    return (inside.at(-1) ?? near.at(-1))?.entity ?? null;
  }
}

/** @param {string} words @param {number} most characters */
function shorten(words, most) {
  const characters = [...words];
  return characters.length > most ? `${characters.slice(0, most - 1).join("")}…` : words;
}
