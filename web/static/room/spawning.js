import { find, openDialog } from "../parts/dom.js";
import { rotationOf } from "./headings.js";

/** @typedef {import("../soiree/room.js").Room} Room */
/** @typedef {import("../soiree/entity.js").Entity} Entity */
/** @typedef {import("../soiree/entity.js").Rule} Rule */

/** People take longer to answer than the 2 s that the relay waits by default. */
export const ASK_TIMEOUT_MS = 15_000;
/** Metres in front of one's feet. */
const REACH_M = 2.2;

/** What others may do with it at first. @type {Readonly<Record<string, Rule>>} */
const RULES = { ball: "allow", box: "ask", vehicle: "ask", sign: "deny" };

/** The buttons that put things down in front of oneself. */
export class Spawning {
  #sign = find("#sign-dialog", HTMLDialogElement);
  #text = find("#sign-text", HTMLInputElement);
  #room;
  #where;
  #onError;
  #turn = 0;

  /**
   * @param {Room} room
   * @param {() => {x: number, z: number, yaw: number}} where one stands and looks
   * @param {(error: unknown) => void} onError
   */
  constructor(room, where, onError) {
    this.#room = room;
    this.#where = where;
    this.#onError = onError;
    for (const button of document.querySelectorAll("[data-spawn]")) {
      const kind = /** @type {HTMLElement} */ (button).dataset["spawn"] ?? "";
      button.addEventListener("click", () => (kind === "sign" ? this.#askText() : this.#spawn(kind, {})));
    }
    find("form", HTMLFormElement, this.#sign).addEventListener("submit", (event) => {
      event.preventDefault();
      const text = this.#text.value.trim();
      this.#sign.close();
      if (text) this.#spawn("sign", { text });
    });
  }

  #askText() {
    this.#text.value = "";
    openDialog(this.#sign);
    this.#text.focus();
  }

  /** @param {string} kind @param {Record<string, string>} properties */
  async #spawn(kind, properties) {
    const { x, z, yaw } = this.#where();
    // A little to the side of the last one, so that they do not lie on each other.
    const aim = yaw + (((this.#turn++ * 2) % 5) - 2) * 0.45;
    /** @type {[number, number, number]} */
    const position = [x - Math.sin(aim) * REACH_M, 0, z - Math.cos(aim) * REACH_M];
    const rule = RULES[kind] ?? "ask";
    try {
      const entity = await this.#room.spawn(kind, { position, rotation: rotationOf(yaw), upright: kind === "vehicle" || kind === "sign", rule, lifetime: "with-room", properties });
      await entity.setRule(rule, { askTimeoutMs: ASK_TIMEOUT_MS });
    } catch (error) {
      this.#onError(error);
    }
  }
}
