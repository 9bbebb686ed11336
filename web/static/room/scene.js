import { tab } from "../parts/keepsakes.js";
import { freeSpot } from "./arrival.js";
import { CITY_SCALE, FIRST_SCALE } from "./camera.js";
import { Carrying } from "./carrying.js";
import { Gestures } from "./gestures.js";
import { Keys } from "./keys.js";
import { RoomMap } from "./map.js";
import { SCENERY } from "./scenery.js";
import { Riding } from "./riding.js";
import { Walking } from "./walking.js";

/** @typedef {import("../soiree/entity.js").Entity} Entity */
/** @typedef {import("../soiree/room.js").Room} Room */

/** After a reload one's avatar is still in the room and comes with the snapshot: it is waited for, milliseconds. */
const AVATAR_WAIT_MS = 2500;
/** One arrives so far from the middle of the world at most, metres: close to the others. */
const ARRIVAL_M = 4;
/** How long a newcomer waits to see what is there before standing somewhere, milliseconds. */
const FURNISH_WAIT_MS = 250;
/** With so much standing about, one is in a city, and wants to see more of it at once. */
const CITY_FROM = 60;
/** Pixels from the middle of the view within which one walks without the map following. */
const SLACK_PX = 120;

/**
 * @typedef {object} Doings what happens on the map beside moving about
 * @property {(entity: Entity | null) => void} choose
 * @property {() => void} open
 * @property {(allow: boolean) => void} answer
 * @property {() => void} chat
 * @property {() => void} board get into what is near, or out again
 */

/** The room on the map: its entities as they come, move and go, one's own avatar, and the hands on it. */
export class Scene {
  walking = new Walking((avatar) => this.#walked(avatar));
  riding = new Riding();
  #carrying = new Carrying((entity) => this.map.tell(entity));
  #room;
  #doings;
  #free;

  /**
   * @param {Room} room
   * @param {HTMLCanvasElement} canvas
   * @param {(peer: number) => string} nameOf
   * @param {(bar: {px: number, label: string}) => void} onScale
   * @param {Doings} doings
   * @param {() => {left: number, top: number, right: number, bottom: number}} free the part of the map that no panel hides, pixels
   */
  constructor(room, canvas, nameOf, onScale, doings, free) {
    this.#free = free;
    this.#room = room;
    this.#doings = doings;
    this.map = new RoomMap(canvas, nameOf, onScale);
    this.map.movers.push((stepS) => this.#go(stepS), (stepS) => this.#carrying.step(stepS));
    this.map.viewpoint = () => this.standing();
    for (const entity of room.entities.values()) this.map.tell(entity);
    room.on("spawned", ({ entity }) => {
      this.map.tell(entity);
      if (this.map.scenery === CITY_FROM && this.map.camera.scale === FIRST_SCALE) this.map.camera.zoom(CITY_SCALE / FIRST_SCALE);
    });
    room.on("despawned", ({ entity }) => this.#gone(entity));
    room.on("changed", ({ entity }) => this.map.tell(entity));
    room.on("state", (/** @type {{entities: Iterable<Entity>}} */ { entities }) => {
      for (const entity of entities) this.map.tell(entity);
    });
    this.#takeHands(canvas);
  }

  /** Brings one's avatar into the room, or finds it there. */
  async arrive() {
    const { map } = this;
    const key = `soiree.avatar.${this.#room.id}`;
    const me = String(this.#room.peerId);
    const avatar = (tab.get(key) === me && (await this.#returned())) || (await this.#appear());
    tab.set(key, me);
    this.walking.avatar = avatar;
    this.riding.avatar = avatar;
    const [x, , z] = avatar.worldPosition();
    map.camera.centre(x, z);
    map.wake();
  }

  /** @returns {Promise<Entity>} */
  async #appear() {
    await this.#furnished();
    const angle = Math.random() * 2 * Math.PI;
    const reach = ARRIVAL_M * Math.sqrt(Math.random());
    const taken = [...this.#room.entities.values()].map((entity) => ({ x: entity.worldPosition()[0], z: entity.worldPosition()[2] }));
    const spot = freeSpot({ x: Math.cos(angle) * reach, z: Math.sin(angle) * reach }, taken);
    /** @type {[number, number, number]} */
    const position = [spot.x, 0, spot.z];
    return this.#room.spawn("avatar", { position, upright: true, rule: "deny", lifetime: "with-master" });
  }

  /** Until what is in the room has begun to come, or it seems empty. @returns {Promise<void>} */
  #furnished() {
    const room = this.#room;
    if (room.entities.size > 0) return Promise.resolve();
    return new Promise((resolve) => {
      const settle = () => {
        stop();
        clearTimeout(timer);
        resolve();
      };
      const stop = room.on("spawned", () => setTimeout(settle));
      const timer = setTimeout(settle, FURNISH_WAIT_MS);
    });
  }

  /** @returns {Promise<Entity | null>} one's avatar of before the reload; null when it does not come */
  #returned() {
    const room = this.#room;
    const isIt = (/** @type {Entity} */ entity) => entity.kind === "avatar" && entity.isMastered;
    return new Promise((resolve) => {
      const there = [...room.entities.values()].find(isIt);
      if (there) return resolve(there);
      const settle = (/** @type {Entity | null} */ entity) => {
        stop();
        clearTimeout(timer);
        resolve(entity);
      };
      const stop = room.on("spawned", ({ entity }) => isIt(entity) && settle(entity));
      const timer = setTimeout(() => settle(null), AVATAR_WAIT_MS);
    });
  }

  /** Where one stands and looks. */
  standing() {
    const { avatar } = this.walking;
    return (avatar && this.map.whereIs(avatar.id)) ?? { x: this.map.camera.x, z: this.map.camera.z, yaw: 0 };
  }

  home() {
    const { x, z } = this.standing();
    this.map.camera.centre(x, z);
    this.map.wake();
  }

  /** @param {number} factor */
  zoom(factor) {
    this.map.camera.zoom(factor);
    this.map.wake();
  }

  /** @param {Entity | null} entity */
  choose(entity) {
    this.map.selected = entity?.id ?? 0;
    this.map.wake();
  }

  /** Brings it into view. @param {Entity} entity */
  show(entity) {
    const at = this.map.whereIs(entity.id);
    if (at) this.map.camera.bring(at.x, at.z, this.#free());
    this.map.wake();
  }

  /** On foot, or in what one rides. @param {number} stepS @returns {boolean} whether anything moves by itself */
  #go(stepS) {
    const { riding, walking } = this;
    if (!walking.avatar?.parentId) return walking.step(stepS);
    const moves = riding.step(stepS, walking.direction);
    const at = this.map.whereIs(walking.avatar.id);
    if (at) this.map.camera.keepNear(at.x, at.z, SLACK_PX);
    return moves;
  }

  /** @param {Entity} avatar */
  #walked(avatar) {
    const [x, , z] = avatar.position;
    this.map.camera.keepNear(x, z, SLACK_PX);
    this.map.tell(avatar);
  }

  /** @param {Entity} entity */
  #gone(entity) {
    this.map.remove(entity);
    if (this.map.selected === entity.id) this.#doings.choose(null);
    if (this.walking.avatar === entity) this.walking.avatar = this.riding.avatar = null;
  }

  /** @param {HTMLCanvasElement} canvas */
  #takeHands(canvas) {
    const { map } = this;
    const { camera } = map;
    const pan = (/** @type {number} */ dx, /** @type {number} */ dy) => {
      camera.pan(dx, dy);
      map.wake();
    };
    new Gestures(canvas, {
      tap: (px, py) => this.#doings.choose(map.hit(px, py)),
      grab: (px, py) => this.#grab(px, py),
      carry: (px, py) => {
        this.#carrying.follow(camera.world(px, py));
        map.wake();
      },
      drop: () => this.#carrying.drop(),
      pan,
      zoom: (factor, px, py) => {
        camera.zoom(factor, px, py);
        map.wake();
      },
    });
    const walking = { press: (/** @type {string} */ code) => (this.walking.press(code), map.wake()), release: (/** @type {string} */ code) => this.walking.release(code), stop: () => this.walking.stop() };
    new Keys(canvas, walking, {
      pan,
      zoom: (factor) => this.zoom(factor),
      home: () => this.home(),
      next: (step) => this.#next(step),
      open: () => this.#doings.open(),
      dismiss: () => this.#doings.choose(null),
      answer: (allow) => this.#doings.answer(allow),
      chat: () => this.#doings.chat(),
      board: () => this.#doings.board(),
    });
  }

  /** @param {number} px @param {number} py */
  #grab(px, py) {
    const entity = this.map.hit(px, py, (one) => one.isMine && one.parentId === 0);
    if (!entity) return false;
    this.#carrying.take(entity, this.map.camera.world(px, py));
    return true;
  }

  /** @param {1 | -1} step */
  #next(step) {
    const things = [...this.#room.entities.values()].filter((entity) => entity !== this.walking.avatar && !(entity.kind in SCENERY));
    const ids = things.map(({ id }) => id).sort((a, b) => a - b);
    if (ids.length === 0) return;
    const at = ids.indexOf(this.map.selected);
    const id = ids[at < 0 ? (step > 0 ? 0 : ids.length - 1) : (at + step + ids.length) % ids.length];
    const entity = this.#room.entities.get(id ?? 0) ?? null;
    this.#doings.choose(entity);
  }
}
