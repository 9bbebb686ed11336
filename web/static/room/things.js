import { find, make } from "../parts/dom.js";
import { colourOf } from "./palette.js";
import { SCENERY } from "./scenery.js";

/** @typedef {import("../soiree/entity.js").Entity} Entity */

/** Most things listed: the map has them all. */
export const MAX_LISTED = 60;
/** Parts of another thing, and what stands about: on the map alone. */
const UNLISTED = new Set(["avatar", "person", "cabin", ...Object.keys(SCENERY)]);

/** The map in words: a list of what is here, for keyboards and screen readers, and for finding things. */
export class Things {
  #list = find("#things-list", HTMLUListElement);
  #count = find("[data-things-count]", HTMLElement);
  #details = find("#things", HTMLDetailsElement);
  #due = false;
  #entities;
  #nameOf;
  #onChoose;

  /**
   * @param {ReadonlyMap<number, Entity>} entities
   * @param {(peer: number) => string} nameOf
   * @param {(entity: Entity) => void} onChoose
   */
  constructor(entities, nameOf, onChoose) {
    this.#entities = entities;
    this.#nameOf = nameOf;
    this.#onChoose = onChoose;
    this.#details.addEventListener("toggle", () => this.draw());
  }

  /** Soon, and once for many changes. */
  draw() {
    if (this.#due) return;
    this.#due = true;
    setTimeout(() => {
      this.#due = false;
      this.#draw();
    }, 120);
  }

  #draw() {
    const things = [...this.#entities.values()].filter((entity) => !UNLISTED.has(entity.kind) || (entity.isMastered && entity.kind in SCENERY));
    this.#count.textContent = String(things.length);
    if (!this.#details.open) return;
    const held = document.activeElement instanceof HTMLElement && this.#list.contains(document.activeElement) ? document.activeElement.dataset["entity"] : null;
    const listed = things.sort((a, b) => Number(b.isMine) - Number(a.isMine) || b.id - a.id).slice(0, MAX_LISTED);
    this.#list.replaceChildren(...listed.map((entity) => this.#row(entity)));
    if (things.length > MAX_LISTED) this.#list.append(make("li", { class: "hint" }, `and ${things.length - MAX_LISTED} more on the map`));
    if (things.length === 0) this.#list.append(make("li", { class: "hint" }, "Nothing yet. Put something down with the buttons below the map."));
    const again = held && this.#list.querySelector(`[data-entity="${held}"]`);
    if (again instanceof HTMLElement) again.focus();
  }

  /** @param {Entity} entity */
  #row(entity) {
    const dot = make("i", { class: "dot", "aria-hidden": "true" });
    dot.style.background = colourOf(entity.owner);
    const owner = entity.isMine ? "yours" : `with ${this.#nameOf(entity.owner)}`;
    const button = make("button", { type: "button", class: "plain", "data-entity": String(entity.id), "data-testid": "thing" }, dot, make("span", { dir: "auto" }, `${entity.kind} ${entity.id}`), make("span", { class: "hint" }, owner));
    button.addEventListener("click", () => this.#onChoose(entity));
    return make("li", {}, button);
  }
}
