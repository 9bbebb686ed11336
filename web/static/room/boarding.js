import { find } from "../parts/dom.js";

/** @typedef {import("../soiree/room.js").Room} Room */
/** @typedef {import("./riding.js").Riding} Riding */

const EVERY_MS = 200;

/** The button that gets one into a vehicle nearby, and out again; there only while there is something to get into. */
export class Boarding {
  #button = find("#btn-board", HTMLButtonElement);
  #words = find("span", HTMLElement, this.#button);
  #room;
  #riding;
  #act;
  #busy = false;

  /**
   * @param {Room} room
   * @param {Riding} riding
   * @param {(work: () => Promise<unknown>) => Promise<void>} act does something that may be refused
   */
  constructor(room, riding, act) {
    this.#room = room;
    this.#riding = riding;
    this.#act = act;
    this.#button.addEventListener("click", () => void this.use());
    setInterval(() => document.hidden || this.draw(), EVERY_MS);
  }

  /** Gets in, or out. */
  async use() {
    const { avatar } = this.#riding;
    const seat = this.#riding.nearby(this.#room.entities.values());
    if (this.#busy || !avatar || (!avatar.parentId && !seat)) return;
    this.#busy = true;
    await this.#act(() => (avatar.parentId || !seat ? this.#riding.alight() : this.#riding.board(seat)));
    this.#busy = false;
    this.draw();
  }

  draw() {
    const { avatar } = this.#riding;
    const rides = Boolean(avatar?.parentId);
    this.#button.hidden = !rides && this.#riding.nearby(this.#room.entities.values()) === null;
    const words = rides ? "Get out" : "Get in";
    if (this.#words.textContent !== words) this.#words.textContent = words;
  }
}
