import { find, make } from "../parts/dom.js";
import { colourOf, palette } from "./palette.js";

/** @typedef {import("../soiree/world.js").Peer} Peer */

/** Most names remembered of those who have left. */
const MAX_REMEMBERED = 1000;

/** Who is here. */
export class People {
  #list = find("#people-list", HTMLUListElement);
  #counts = document.querySelectorAll("[data-people-count]");
  /** @type {Map<number, string>} */
  #names = new Map();
  #me;
  #peers;
  #onKick;

  /**
   * @param {number} me
   * @param {ReadonlyMap<number, Peer>} peers of the room, kept up to date by it
   * @param {((peer: Peer) => void) | null} onKick for a host alone
   */
  constructor(me, peers, onKick) {
    this.#me = me;
    this.#peers = peers;
    this.#onKick = onKick;
  }

  /** @param {number} peer @returns {string} also of somebody who has left */
  nameOf = (peer) => {
    if (peer === 0) return "nobody";
    return this.#peers.get(peer)?.name ?? this.#names.get(peer) ?? "somebody who left";
  };

  /** @returns {Peer[]} oneself first, then by name */
  sorted() {
    return [...this.#peers.values()].sort((a, b) => Number(b.self) - Number(a.self) || a.name.localeCompare(b.name) || a.id - b.id);
  }

  draw() {
    const peers = this.sorted();
    palette.seat(this.#peers.keys());
    for (const { id, name } of peers) this.#names.set(id, name);
    while (this.#names.size > MAX_REMEMBERED) this.#names.delete(/** @type {number} */ (this.#names.keys().next().value));
    this.#list.replaceChildren(...peers.map((peer) => this.#row(peer)));
    for (const count of this.#counts) count.textContent = String(peers.length);
  }

  /** @param {Peer} peer */
  #row(peer) {
    const dot = make("i", { class: "dot", "aria-hidden": "true" });
    dot.style.background = colourOf(peer.id);
    const row = make("li", { class: peer.away ? "away" : "", "data-testid": "peer", "data-peer": String(peer.id) }, dot, make("span", { class: "name", dir: "auto" }, peer.name));
    if (peer.id === this.#me) row.append(make("span", { class: "mark" }, "you"));
    if (peer.away) row.append(make("span", { class: "mark" }, "away"));
    if (this.#onKick && peer.id !== this.#me) {
      const kick = make("button", { type: "button", class: "plain", "data-testid": "btn-kick", "aria-label": `Show ${peer.name} out` }, "Show out");
      kick.addEventListener("click", () => this.#onKick?.(peer));
      row.append(kick);
    }
    return row;
  }
}
