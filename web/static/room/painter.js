import { roundLength } from "./camera.js";
import { colourOf, palette } from "./palette.js";
import { PLATE_HEIGHT_PX } from "./plates.js";
import { drawThing, LARGEST_PX, Sprites } from "./sprites.js";

/** @typedef {import("./camera.js").Camera} Camera */
/** @typedef {import("../soiree/entity.js").Entity} Entity */

/** Most glows and text widths remembered. */
const MAX_REMEMBERED = 2000;
const GLOW_PX = 128;
const FLOOR_PX = 64;
/** Pixels that a grid line keeps from the next. */
const GRID_PX = 44;
/** A dot before the words of a plate, with the space after it. */
const DOT_PX = 12;
const PLATE_MARGIN_PX = 8;
/** Things smaller than this show their rule only while chosen, pixels. */
const RULE_FROM_PX = 10;
/** People, whose rule nobody asks about, and what is part of another thing. */
const RULELESS = new Set(["avatar", "person", "cabin"]);
/** Smaller things have a ring only where their master is another than their owner, pixels. */
const RINGED_FROM_PX = 9;
const RULE_FONT = '800 12px system-ui, "DejaVu Sans", sans-serif';
const FONT = '600 13px ui-rounded, system-ui, "DejaVu Sans", sans-serif';

/** Scenery fades into the ground from here on, and is gone there: what comes into sight does not pop up, metres from where one looks. */
const FADE_FROM_M = 110;
const FADE_TO_M = 160;
const FOG_PX = 256;

/** One thing to draw: where it is on the screen, and what is known of it. @typedef {{entity: Entity, px: number, py: number, r: number, yaw: number, alpha: number}} Placed */

/** @param {number} away metres from where one looks @returns {number} how much of a thing is seen there, 0 to 1 */
export const fading = (away) => Math.min(1, Math.max(0, (FADE_TO_M - away) / (FADE_TO_M - FADE_FROM_M)));

/** Draws the map. Colours come from tokens.css, so both themes have their own evening. */
export class Painter {
  #context;
  #ratio = 1;
  #sprites = new Sprites();
  /** @type {HTMLCanvasElement | null} */
  #fog = null;
  #style = { floor: "", far: "", grid: "", strong: "", axis: "", ink: "", plate: "", lamp: "", glow: 1 };
  /** @type {Map<number, HTMLCanvasElement>} by hue */
  #glows = new Map();
  /** @type {HTMLCanvasElement | null} */
  #floor = null;
  /** @type {Map<string, number>} */
  #widths = new Map();

  /** @param {CanvasRenderingContext2D} context */
  constructor(context) {
    this.#context = context;
    this.readTheme();
  }

  /** @param {number} ratio pixels of the screen for each of the page's */
  resize(ratio) {
    this.#ratio = ratio;
    this.#sprites.clear(ratio);
  }

  /** @returns {import("./scenery.js").SceneryStyle} */
  readTheme() {
    this.#floor = this.#fog = null;
    this.#sprites.clear();
    const style = getComputedStyle(document.documentElement);
    const read = (/** @type {string} */ name) => style.getPropertyValue(name).trim();
    this.#style = {
      floor: read("--map-floor"), far: read("--map-floor-far"), grid: read("--map-grid"), strong: read("--map-grid-strong"), axis: read("--map-axis"),
      ink: read("--map-ink"), plate: read("--map-plate"), lamp: read("--lamp"), glow: Number(read("--map-glow")) || 1,
    };
    return {
      road: read("--map-road"), pavement: read("--map-pavement"), lane: read("--map-lane"), bench: read("--map-bench"), lamp: read("--lamp-strong"), shine: read("--map-shine"),
      house: ["--map-house", "--map-house-2", "--map-house-3"].map(read), edge: read("--map-house-edge"), roof: read("--map-roof"),
      tree: ["--map-tree", "--map-tree-2", "--map-tree-3"].map(read), leaf: read("--map-leaf"),
    };
  }

  /** @param {Camera} camera */
  floor(camera) {
    this.#floor ??= this.#floorSprite();
    this.#context.drawImage(this.#floor, 0, 0, camera.width, camera.height);
    const step = roundLength((GRID_PX / camera.scale) * 2.4);
    this.#lines(camera, step, this.#style.grid);
    this.#lines(camera, step * 5, this.#style.strong);
    this.#lines(camera, Infinity, this.#style.axis);
  }

  /** @param {Camera} camera @param {number} step metres; infinite: the axes alone @param {string} colour */
  #lines(camera, step, colour) {
    const context = this.#context;
    const from = camera.world(0, 0);
    const to = camera.world(camera.width, camera.height);
    const ticks = (/** @type {number} */ a, /** @type {number} */ b) => {
      if (!Number.isFinite(step)) return a <= 0 && b >= 0 ? [0] : [];
      const first = Math.ceil(a / step);
      return Array.from({ length: Math.max(0, Math.floor(b / step) - first + 1) }, (_, i) => (first + i) * step);
    };
    context.beginPath();
    for (const x of ticks(from.x, to.x)) {
      const px = Math.round(camera.screenX(x)) + 0.5;
      context.moveTo(px, 0);
      context.lineTo(px, camera.height);
    }
    for (const z of ticks(from.z, to.z)) {
      const py = Math.round(camera.screenY(z)) + 0.5;
      context.moveTo(0, py);
      context.lineTo(camera.width, py);
    }
    context.strokeStyle = colour;
    context.lineWidth = 1;
    context.stroke();
  }

  /** Brighter in the middle. Small and stretched: a gradient over the whole canvas is dear without a graphics card. */
  #floorSprite() {
    const sprite = document.createElement("canvas");
    sprite.width = sprite.height = FLOOR_PX;
    const context = /** @type {CanvasRenderingContext2D} */ (sprite.getContext("2d"));
    const middle = FLOOR_PX / 2;
    const light = context.createRadialGradient(middle, middle, 0, middle, middle, FLOOR_PX / 1.5);
    light.addColorStop(0, this.#style.floor);
    light.addColorStop(1, this.#style.far);
    context.fillStyle = light;
    context.fillRect(0, 0, FLOOR_PX, FLOOR_PX);
    return sprite;
  }

  /** The light that somebody carries. @param {Placed} placed @param {number} scale pixels for one metre */
  glow({ entity, px, py }, scale) {
    const size = Math.max(60, Math.min(700, scale * 7));
    this.#context.globalAlpha = this.#style.glow;
    this.#context.drawImage(this.#glowOf(entity.owner), px - size / 2, py - size / 2, size, size);
    this.#context.globalAlpha = 1;
  }

  /** @param {number} peer */
  #glowOf(peer) {
    const hue = palette.hue(peer);
    const known = this.#glows.get(hue);
    if (known) return known;
    const sprite = document.createElement("canvas");
    sprite.width = sprite.height = GLOW_PX;
    const context = /** @type {CanvasRenderingContext2D} */ (sprite.getContext("2d"));
    const middle = GLOW_PX / 2;
    const light = context.createRadialGradient(middle, middle, 0, middle, middle, middle);
    light.addColorStop(0, "rgb(255 205 120 / 50%)");
    light.addColorStop(0.3, `hsl(${hue} 80% 65% / 20%)`);
    light.addColorStop(1, `hsl(${hue} 80% 60% / 0%)`);
    context.fillStyle = light;
    context.fillRect(0, 0, GLOW_PX, GLOW_PX);
    if (this.#glows.size >= MAX_REMEMBERED) this.#glows.clear();
    this.#glows.set(hue, sprite);
    return sprite;
  }

  /** What lies far from where one looks sinks into the dark. @param {Camera} camera @param {number} x @param {number} z metres */
  fog(camera, x, z) {
    const context = this.#context;
    // On whole pixels, or its edges show.
    const r = Math.round(FADE_TO_M * camera.scale);
    const px = Math.round(camera.screenX(x));
    const py = Math.round(camera.screenY(z));
    const corner = Math.max(Math.hypot(px, py), Math.hypot(camera.width - px, py), Math.hypot(px, camera.height - py), Math.hypot(camera.width - px, camera.height - py));
    if (corner <= FADE_FROM_M * camera.scale) return;
    this.#fog ??= this.#fogSprite();
    context.drawImage(this.#fog, px - r, py - r, 2 * r, 2 * r);
    context.beginPath();
    context.rect(0, 0, camera.width, camera.height);
    context.rect(px - r + 1, py - r + 1, 2 * r - 2, 2 * r - 2);
    context.fillStyle = this.#style.far;
    context.fill("evenodd");
  }

  #fogSprite() {
    const sprite = document.createElement("canvas");
    sprite.width = sprite.height = FOG_PX;
    const context = /** @type {CanvasRenderingContext2D} */ (sprite.getContext("2d"));
    const middle = FOG_PX / 2;
    context.fillStyle = this.#style.far;
    context.fillRect(0, 0, FOG_PX, FOG_PX);
    // Holes are cut, not gradients of a colour laid on: any colour of the theme will do.
    const hole = context.createRadialGradient(middle, middle, (middle * FADE_FROM_M) / FADE_TO_M, middle, middle, middle);
    hole.addColorStop(0, "black");
    hole.addColorStop(1, "transparent");
    context.globalCompositeOperation = "destination-out";
    context.fillStyle = hole;
    context.fillRect(0, 0, FOG_PX, FOG_PX);
    return sprite;
  }

  /** A thing in its owner's colour, ringed in its master's. @param {Placed} placed @param {boolean} selected */
  thing({ entity, px, py, r, yaw, alpha }, selected) {
    const context = this.#context;
    const ratio = this.#ratio;
    if (selected) this.#halo(px, py, r);
    const look = this.#look(entity, r);
    const cos = Math.cos(yaw) * ratio;
    const sin = Math.sin(yaw) * ratio;
    context.setTransform(cos, -sin, sin, cos, px * ratio, py * ratio);
    context.globalAlpha = alpha;
    if (r > LARGEST_PX) drawThing(context, look, r);
    else {
      const sprite = this.#sprites.of(look, r);
      const half = (sprite.half * r) / sprite.r;
      context.drawImage(sprite.canvas, -half, -half, 2 * half, 2 * half);
    }
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    if (!RULELESS.has(entity.kind) && (selected || (r >= RULE_FROM_PX && entity.parentId === 0))) this.#rule(entity.rule, px + r * 0.72 + 5, py - r * 0.72 - 5);
    context.globalAlpha = 1;
  }

  /** @param {Entity} entity @param {number} r @returns {import("./sprites.js").Look} */
  #look({ kind, owner, master }, r) {
    const own = master === owner && (RULELESS.has(kind) || r < RINGED_FROM_PX);
    return {
      kind, colour: owner === 0 ? this.#style.far : colourOf(owner), ring: own ? null : colourOf(master), dashed: master === 0, ink: this.#style.ink, light: this.#style.plate,
    };
  }

  /** @param {number} px @param {number} py @param {number} r */
  #halo(px, py, r) {
    const context = this.#context;
    context.beginPath();
    context.arc(px, py, r + 10, 0, 2 * Math.PI);
    context.setLineDash([6, 4]);
    context.lineWidth = 2.5;
    context.strokeStyle = this.#style.ink;
    context.stroke();
    context.setLineDash([]);
  }

  /** The rule as a sign: a question mark asks, a tick allows, a bar denies. @param {string} rule @param {number} px @param {number} py */
  #rule(rule, px, py) {
    const context = this.#context;
    context.beginPath();
    context.arc(px, py, 8, 0, 2 * Math.PI);
    context.fillStyle = this.#style.plate;
    context.fill();
    context.lineWidth = 1.2;
    context.strokeStyle = this.#style.ink;
    context.stroke();
    context.lineWidth = 2;
    context.beginPath();
    if (rule === "ask") {
      context.font = RULE_FONT;
      context.textAlign = "center";
      context.textBaseline = "middle";
      context.fillStyle = this.#style.ink;
      context.fillText("?", px, py + 1);
    } else if (rule === "allow") {
      context.moveTo(px - 3.5, py + 0.5);
      context.lineTo(px - 1, py + 3);
      context.lineTo(px + 3.5, py - 2.8);
    } else {
      context.moveTo(px - 3.5, py);
      context.lineTo(px + 3.5, py);
    }
    context.stroke();
  }

  /** Words on a plate. @param {import("./plates.js").Plate} plate */
  plate({ words, px, py, width, colour }) {
    const context = this.#context;
    context.font = FONT;
    const dot = colour ? DOT_PX : 0;
    const left = px - width / 2 + PLATE_MARGIN_PX;
    context.beginPath();
    context.roundRect(px - width / 2, py - PLATE_HEIGHT_PX / 2, width, PLATE_HEIGHT_PX, PLATE_HEIGHT_PX / 2);
    context.fillStyle = this.#style.plate;
    context.globalAlpha = 0.88;
    context.fill();
    context.globalAlpha = 1;
    if (colour) {
      context.beginPath();
      context.arc(left + 3, py, 4, 0, 2 * Math.PI);
      context.fillStyle = colour;
      context.fill();
    }
    context.fillStyle = this.#style.ink;
    context.textBaseline = "middle";
    context.textAlign = "left";
    context.fillText(words, left + dot, py + 1);
  }

  /** How wide a plate becomes, pixels. @param {string} words @param {string | null} colour */
  plateWidth(words, colour) {
    this.#context.font = FONT;
    return this.#width(words) + (colour ? DOT_PX : 0) + 2 * PLATE_MARGIN_PX;
  }

  /** @param {string} words */
  #width(words) {
    let width = this.#widths.get(words);
    if (width === undefined) {
      width = this.#context.measureText(words).width;
      if (this.#widths.size >= MAX_REMEMBERED) this.#widths.clear();
      this.#widths.set(words, width);
    }
    return width;
  }

  /** Marks oneself. @param {Placed} placed */
  self({ px, py, r }) {
    const context = this.#context;
    context.beginPath();
    context.arc(px, py, r + 4, 0, 2 * Math.PI);
    context.lineWidth = 3;
    context.strokeStyle = this.#style.lamp;
    context.stroke();
  }
}
