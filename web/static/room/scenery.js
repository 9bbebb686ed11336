import { metresOf } from "./shapes.js";
import { yawOf } from "./headings.js";

/** @typedef {import("../soiree/entity.js").Entity} Entity */
/** @typedef {import("./camera.js").Camera} Camera */

/** Kinds that stand where they are, and their usual width and depth, metres. @type {Readonly<Record<string, readonly [number, number]>>} */
export const SCENERY = { house: [14, 11], bench: [1.8, 0.6], lamp: [0.4, 0.4], tree: [4, 4] };
/** Where there are houses, streets run between them: from one to the next, and how wide, metres. */
const BLOCK_M = 100;
const ROAD_M = 12;
const PAVEMENT_M = 19;
/** The layer reaches so far beyond the screen, as a share of it: walking does not draw it anew with every step. */
const BEYOND = 0.3;
/** What has come or gone is drawn in together with what follows it within so long, milliseconds. */
const GATHER_MS = 200;
/** Houses and trees come in so many tones. */
const TONES = 3;

/** @typedef {{entity: Entity, kind: string, x: number, z: number, cos: number, sin: number, width: number, depth: number, tone: number, properties: object}} Still */

/** @typedef {{road: string, pavement: string, lane: string, house: string[], edge: string, roof: string, tree: string[], leaf: string, lamp: string, shine: string, bench: string}} SceneryStyle */

/** What stands about and does not move: drawn on a layer of its own, a few strokes for each kind, and only when it or the scale has changed. */
export class Scenery {
  /** @type {Map<number, Still>} */
  #things = new Map();
  #layer = document.createElement("canvas");
  /** What the layer shows: its middle, metres, and pixels for one metre. */
  #x = 0;
  #z = 0;
  #scale = 0;
  #stale = true;
  #drawnAt = -Infinity;
  #ratio = 1;
  /** @type {SceneryStyle | null} */
  #style = null;
  /** @type {HTMLCanvasElement | null} */
  #shine = null;

  get size() {
    return this.#things.size;
  }

  /** Layers drawn so far. */
  layers = 0;

  /** @param {Entity} entity @returns {boolean} whether it is drawn here: it stands about, and where it stood */
  take(entity) {
    if (!(entity.kind in SCENERY) || entity.parentId !== 0 || entity.isMine) return false;
    const [x, , z] = entity.position;
    const known = this.#things.get(entity.id);
    if (known && (known.x !== x || known.z !== z)) return false;
    if (known?.properties === entity.properties) return true;
    const yaw = yawOf(entity.rotation);
    const [width, depth] = SCENERY[entity.kind] ?? [1, 1];
    const still = {
      entity, kind: entity.kind, x, z, cos: Math.cos(yaw), sin: Math.sin(yaw), tone: entity.id % TONES, properties: entity.properties,
      width: metresOf(entity.properties["width"]) ?? width, depth: metresOf(entity.properties["depth"]) ?? depth,
    };
    this.#things.set(entity.id, still);
    if (this.#shows(still)) this.#stale = true;
    return true;
  }

  /** @param {number} id @returns {boolean} whether it was here */
  remove(id) {
    const still = this.#things.get(id);
    if (still && this.#shows(still)) this.#stale = true;
    return this.#things.delete(id);
  }

  /** @param {number} id @returns {Still | undefined} */
  get(id) {
    return this.#things.get(id);
  }

  /** @param {SceneryStyle} style @param {number} ratio pixels of the screen for each of the page's */
  restyle(style, ratio) {
    this.#style = style;
    this.#ratio = ratio;
    this.#stale = true;
    this.#shine = null;
    this.#drawnAt = -Infinity;
  }

  /** The topmost under a place. @param {number} x @param {number} z metres @param {number} slackM @returns {Entity | null} */
  hit(x, z, slackM) {
    let found = null;
    for (const still of this.#things.values()) {
      const dx = x - still.x;
      const dz = z - still.z;
      const across = Math.abs(dx * still.cos - dz * still.sin);
      const along = Math.abs(dx * still.sin + dz * still.cos);
      if (across <= still.width / 2 + slackM && along <= still.depth / 2 + slackM && (!found || still.width < found.width)) found = still;
    }
    return found?.entity ?? null;
  }

  /** @param {CanvasRenderingContext2D} context @param {Camera} camera @param {number} now milliseconds @returns {boolean} whether it is to be drawn again soon */
  draw(context, camera, now) {
    if (this.#things.size === 0 && this.#scale === 0) return false;
    const { width, height } = camera;
    const moved = !this.#covers(camera);
    const waits = (this.#stale || this.#scale !== camera.scale) && now - this.#drawnAt < GATHER_MS;
    if (moved || ((this.#stale || this.#scale !== camera.scale) && !waits)) this.#render(camera, now);
    const pixels = camera.scale / this.#scale;
    const w = (this.#layer.width / this.#ratio) * pixels;
    const h = (this.#layer.height / this.#ratio) * pixels;
    if (w > 0 && h > 0 && width > 0 && height > 0) context.drawImage(this.#layer, camera.screenX(this.#x) - w / 2, camera.screenY(this.#z) - h / 2, w, h);
    return waits && !moved;
  }

  /** @param {Camera} camera @returns {boolean} whether the layer reaches over the whole screen */
  #covers(camera) {
    if (this.#scale === 0) return false;
    const halfX = this.#layer.width / this.#ratio / 2 / this.#scale;
    const halfZ = this.#layer.height / this.#ratio / 2 / this.#scale;
    const from = camera.world(0, 0);
    const to = camera.world(camera.width, camera.height);
    const inside = from.x >= this.#x - halfX && to.x <= this.#x + halfX && from.z >= this.#z - halfZ && to.z <= this.#z + halfZ;
    return inside && this.#scale / camera.scale < 3;
  }

  /** @param {Still} still @returns {boolean} whether it lies on the layer */
  #shows({ x, z, width, depth }) {
    const reach = Math.max(width, depth);
    return this.#scale === 0
      || (Math.abs(x - this.#x) < this.#layer.width / this.#ratio / 2 / this.#scale + reach && Math.abs(z - this.#z) < this.#layer.height / this.#ratio / 2 / this.#scale + reach);
  }

  /** @param {Camera} camera @param {number} now */
  #render(camera, now) {
    const style = this.#style;
    if (!style) return;
    const width = Math.ceil(camera.width * (1 + 2 * BEYOND) * this.#ratio);
    const height = Math.ceil(camera.height * (1 + 2 * BEYOND) * this.#ratio);
    if (this.#layer.width !== width || this.#layer.height !== height) Object.assign(this.#layer, { width, height });
    const middle = camera.world(camera.width / 2, camera.height / 2);
    this.#x = middle.x;
    this.#z = middle.z;
    this.#scale = camera.scale;
    this.#stale = false;
    this.#drawnAt = now;
    this.layers++;
    const context = /** @type {CanvasRenderingContext2D} */ (this.#layer.getContext("2d"));
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, width, height);
    // From here on in metres.
    const pixels = this.#scale * this.#ratio;
    context.setTransform(pixels, 0, 0, pixels, width / 2 - this.#x * pixels, height / 2 - this.#z * pixels);
    const shown = [...this.#things.values()].filter((still) => this.#shows(still));
    this.#streets(context, style);
    this.#benches(context, style, shown.filter(({ kind }) => kind === "bench"));
    this.#houses(context, style, shown.filter(({ kind }) => kind === "house"));
    this.#lamps(context, style, shown.filter(({ kind }) => kind === "lamp"));
    this.#trees(context, style, shown.filter(({ kind }) => kind === "tree"));
  }

  /** Round the blocks in which there are houses. @param {CanvasRenderingContext2D} context @param {SceneryStyle} style */
  #streets(context, { pavement, road, lane }) {
    /** @type {Set<string>} */
    const blocks = new Set();
    for (const { kind, x, z } of this.#things.values()) if (kind === "house") blocks.add(`${Math.floor(x / BLOCK_M)},${Math.floor(z / BLOCK_M)}`);
    if (blocks.size === 0) return;
    const corners = [...blocks].map((block) => block.split(",").map((index) => Number(index) * BLOCK_M));
    for (const [wide, colour] of /** @type {const} */ ([[PAVEMENT_M, pavement], [ROAD_M, road]])) {
      context.beginPath();
      for (const [x = 0, z = 0] of corners) {
        for (const along of [0, BLOCK_M]) {
          context.rect(x - wide / 2, z + along - wide / 2, BLOCK_M + wide, wide);
          context.rect(x + along - wide / 2, z - wide / 2, wide, BLOCK_M + wide);
        }
      }
      context.fillStyle = colour;
      context.fill();
    }
    context.beginPath();
    for (const [x = 0, z = 0] of corners) {
      for (const along of [0, BLOCK_M]) {
        context.moveTo(x + ROAD_M, z + along);
        context.lineTo(x + BLOCK_M - ROAD_M, z + along);
        context.moveTo(x + along, z + ROAD_M);
        context.lineTo(x + along, z + BLOCK_M - ROAD_M);
      }
    }
    context.setLineDash([3, 4]);
    this.#stroke(context, lane, 0.18);
    context.setLineDash([]);
  }

  /** @param {CanvasRenderingContext2D} context @param {string} colour @param {number} metres at least a pixel */
  #stroke(context, colour, metres) {
    context.strokeStyle = colour;
    context.lineWidth = Math.max(metres, 1 / this.#scale);
    context.stroke();
  }

  /** @param {CanvasRenderingContext2D} context @param {SceneryStyle} style @param {Still[]} benches */
  #benches(context, { bench }, benches) {
    context.beginPath();
    for (const still of benches) outline(context, still, 0.5, 0.5);
    context.fillStyle = bench;
    context.fill();
  }

  /** @param {CanvasRenderingContext2D} context @param {SceneryStyle} style @param {Still[]} houses */
  #houses(context, { house, edge, roof }, houses) {
    house.forEach((colour, tone) => {
      context.beginPath();
      for (const still of houses) if (still.tone === tone) outline(context, still, 0.5, 0.5);
      context.fillStyle = colour;
      context.fill();
      this.#stroke(context, edge, 0.25);
    });
    context.beginPath();
    for (const { x, z, cos, sin, width, depth } of houses) {
      // A hipped roof: the ridge, and from its ends to the corners.
      const ridge = Math.max(0, width - depth) / 2;
      for (const side of [-1, 1]) {
        const end = side * ridge;
        for (const front of [-1, 1]) {
          const [u, v] = [(side * width) / 2, (front * depth) / 2];
          context.moveTo(x + u * cos + v * sin, z - u * sin + v * cos);
          context.lineTo(x + end * cos, z - end * sin);
        }
      }
      context.moveTo(x - ridge * cos, z + ridge * sin);
      context.lineTo(x + ridge * cos, z - ridge * sin);
    }
    this.#stroke(context, roof, 0.15);
  }

  /** @param {CanvasRenderingContext2D} context @param {SceneryStyle} style @param {Still[]} lamps */
  #lamps(context, { lamp, shine }, lamps) {
    const sprite = (this.#shine ??= shineOf(shine));
    const reach = 6;
    if (this.#scale > 1.5) for (const { x, z } of lamps) context.drawImage(sprite, x - reach, z - reach, 2 * reach, 2 * reach);
    context.beginPath();
    const least = 1.2 / this.#scale;
    for (const { x, z, width } of lamps) {
      const r = Math.max(width / 2, least);
      context.moveTo(x + r, z);
      context.arc(x, z, r, 0, 2 * Math.PI);
    }
    context.fillStyle = lamp;
    context.fill();
  }

  /** @param {CanvasRenderingContext2D} context @param {SceneryStyle} style @param {Still[]} trees */
  #trees(context, { tree, leaf }, trees) {
    tree.forEach((colour, tone) => {
      context.beginPath();
      for (const { x, z, width, tone: its } of trees) {
        if (its !== tone) continue;
        context.moveTo(x + width / 2, z);
        context.arc(x, z, width / 2, 0, 2 * Math.PI);
      }
      context.fillStyle = colour;
      context.fill();
    });
    if (this.#scale < 2) return;
    context.beginPath();
    for (const { x, z, width } of trees) {
      const r = width * 0.26;
      const [cx, cz] = [x - width * 0.12, z - width * 0.12];
      context.moveTo(cx + r, cz);
      context.arc(cx, cz, r, 0, 2 * Math.PI);
    }
    context.fillStyle = leaf;
    context.fill();
  }
}

/** @param {CanvasRenderingContext2D} context in metres @param {Still} still @param {number} u @param {number} v shares of width and depth */
function outline(context, { x, z, cos, sin, width, depth }, u, v) {
  const ux = width * u * cos;
  const uz = -width * u * sin;
  const vx = depth * v * sin;
  const vz = depth * v * cos;
  context.moveTo(x - ux - vx, z - uz - vz);
  context.lineTo(x + ux - vx, z + uz - vz);
  context.lineTo(x + ux + vx, z + uz + vz);
  context.lineTo(x - ux + vx, z - uz + vz);
  context.closePath();
}

/** The light of a lamp on the ground. @param {string} colour @returns {HTMLCanvasElement} */
function shineOf(colour) {
  const sprite = document.createElement("canvas");
  sprite.width = sprite.height = 64;
  const context = /** @type {CanvasRenderingContext2D} */ (sprite.getContext("2d"));
  const light = context.createRadialGradient(32, 32, 0, 32, 32, 32);
  light.addColorStop(0, colour);
  // Not "transparent", which is black that is not seen: halfway there it would be.
  light.addColorStop(1, colour.replace(/\/[^)]*\)/, "/ 0%)"));
  context.fillStyle = light;
  context.fillRect(0, 0, 64, 64);
  return sprite;
}
