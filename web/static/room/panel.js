import { find, icon, make } from "../parts/dom.js";
import { abilities } from "./abilities.js";
import { colourOf } from "./palette.js";
import { LIFETIME_WORDS, RULE_WORDS } from "./words.js";

/** @typedef {import("../soiree/entity.js").Entity} Entity */
/** @typedef {import("../soiree/world.js").Peer} Peer */

/** Positions are written again so often, while something moves. */
const MOVING_MS = 250;

/** Everything about the chosen entity, and what one may do with it. */
export class Panel {
  /** @type {Entity | null} */
  entity = null;
  #panel = find("#panel", HTMLElement);
  #title = find("#panel-title", HTMLElement);
  #why = find("#panel-why", HTMLElement);
  #note = find("#note", HTMLInputElement);
  #noteField = find("#note-field", HTMLElement);
  #request = find("#btn-request", HTMLButtonElement);
  #release = find("#btn-release", HTMLButtonElement);
  #assign = find("#btn-assign", HTMLButtonElement);
  #assignTo = find("#assign-peer", HTMLSelectElement);
  #hand = find("#btn-master", HTMLButtonElement);
  #handTo = find("#master-peer", HTMLSelectElement);
  #rule = find("#rule-select", HTMLSelectElement);
  #fallback = find("#fallback-select", HTMLSelectElement);
  #lifetime = find("#lifetime-select", HTMLSelectElement);
  #despawn = find("#btn-despawn", HTMLButtonElement);
  #properties = find("#properties", HTMLElement);
  #propertyForm = find("#property-form", HTMLFormElement);
  #master = find("#master-tools", HTMLFieldSetElement);
  #me;
  #people;
  #act;
  #onClose;
  /** @type {number} id of the entity that was asked for, until the answer */
  #asking = 0;
  #movedAt = 0;

  /**
   * @param {number} me
   * @param {{nameOf: (peer: number) => string, sorted: () => Peer[]}} people
   * @param {(work: () => Promise<unknown>, done?: string) => Promise<void>} act does something that may be refused
   * @param {() => void} onClose
   */
  constructor(me, people, act, onClose) {
    this.#me = me;
    this.#people = people;
    this.#act = act;
    this.#onClose = onClose;
    find("#panel-close", HTMLButtonElement).addEventListener("click", () => this.#onClose());
    this.#panel.addEventListener("keydown", (event) => event.key === "Escape" && this.#onClose());
    this.#wire();
  }

  /** @param {Entity | null} entity */
  choose(entity) {
    this.entity = entity;
    this.#note.value = "";
    // The focus does not vanish with the panel: it goes back to the map.
    if (entity === null && this.#panel.contains(document.activeElement)) find("#map", HTMLElement).focus({ preventScroll: true });
    this.#panel.hidden = entity === null;
    this.draw();
  }

  focus() {
    (this.#request.disabled ? find("#panel-close", HTMLButtonElement) : this.#request).focus();
  }

  #wire() {
    const on = (/** @type {(entity: Entity) => void} */ work) => () => this.entity && work(this.entity);
    find("#request-form", HTMLFormElement).addEventListener("submit", (event) => {
      event.preventDefault();
      on((entity) => this.#ask(entity))();
    });
    this.#release.addEventListener("click", on((entity) => this.#act(() => entity.release(), "Given back.")));
    this.#assign.addEventListener("click", on((entity) => this.#act(() => entity.assign(Number(this.#assignTo.value)))));
    this.#hand.addEventListener("click", on((entity) => this.#act(() => entity.setMaster(Number(this.#handTo.value)), "Handed on.")));
    this.#despawn.addEventListener("click", on((entity) => this.#act(() => entity.despawn())));
    const setRule = on((entity) => {
      const fallback = /** @type {"allow" | "deny" | ""} */ (this.#fallback.value) || null;
      return this.#act(() => entity.setRule(/** @type {Entity["rule"]} */ (this.#rule.value), { fallback })).then(() => this.draw());
    });
    this.#rule.addEventListener("change", setRule);
    this.#fallback.addEventListener("change", setRule);
    this.#lifetime.addEventListener("change", on((entity) => this.#act(() => entity.setLifetime(/** @type {Entity["lifetime"]} */ (this.#lifetime.value))).then(() => this.draw())));
    this.#propertyForm.addEventListener("submit", (event) => {
      event.preventDefault();
      const { key, value } = /** @type {Record<string, string>} */ (Object.fromEntries(new FormData(this.#propertyForm)));
      if (!key?.trim()) return;
      on((entity) => this.#act(() => entity.setProperties({ [key.trim()]: valueOf(value ?? "") })))();
      this.#propertyForm.reset();
    });
  }

  /** @param {Entity} entity */
  async #ask(entity) {
    this.#asking = entity.id;
    this.draw();
    await this.#act(() => entity.request(this.#note.value.trim()), `The ${entity.kind} is yours.`);
    this.#asking = 0;
    this.draw();
  }

  /** It moved: the position is written again, but not with every frame. */
  moved() {
    const now = performance.now();
    if (!this.entity || now - this.#movedAt < MOVING_MS) return;
    this.#movedAt = now;
    const [x, y, z] = this.entity.worldPosition();
    this.#write("position", [x, y, z].map((metres) => metres.toFixed(2)).join(", "));
  }

  draw() {
    const { entity } = this;
    if (!entity) return;
    const may = abilities(entity, this.#me, this.#people.nameOf);
    this.#title.textContent = `${entity.kind} ${entity.id}`;
    this.#why.textContent = may.why;
    this.#person("owner", entity.owner);
    this.#person("master", entity.master);
    this.#write("rule", RULE_WORDS[entity.rule] ?? entity.rule);
    this.#write("epoch", String(entity.epoch));
    this.#write("lifetime", LIFETIME_WORDS[entity.lifetime] ?? entity.lifetime);
    this.#movedAt = 0;
    this.moved();
    const waiting = this.#asking === entity.id;
    this.#request.textContent = waiting ? "Asking…" : may.request === "take" ? "Take it" : "Ask for it";
    this.#request.disabled = may.request === null || waiting;
    this.#noteField.hidden = may.request !== "ask";
    this.#release.disabled = !may.release;
    this.#master.disabled = !may.master;
    this.#master.hidden = !may.master;
    this.#rule.value = entity.rule;
    this.#fallback.value = entity.fallback ?? "";
    this.#lifetime.value = entity.lifetime;
    this.#choices(this.#assignTo, entity.owner);
    this.#choices(this.#handTo, entity.master);
    this.#assign.disabled = this.#assignTo.disabled;
    this.#hand.disabled = this.#handTo.disabled;
    this.#drawProperties(entity, may.write);
  }

  /** @param {HTMLSelectElement} select @param {number} except who has it already */
  #choices(select, except) {
    const peers = this.#people.sorted().filter(({ id }) => id !== except);
    const drawn = peers.map(({ id, name, self }) => `${id}\n${self ? "myself" : name}`);
    if (select.dataset["drawn"] === drawn.join("\n\n")) return;
    select.dataset["drawn"] = drawn.join("\n\n");
    const chosen = select.value;
    select.disabled = peers.length === 0;
    if (select.disabled) return select.replaceChildren(make("option", { value: "" }, "nobody else here"));
    select.replaceChildren(...peers.map(({ id, name, self }) => make("option", { value: String(id) }, self ? "myself" : name)));
    if (peers.some(({ id }) => String(id) === chosen)) select.value = chosen;
    else {
      const other = peers.find(({ self }) => !self);
      if (other) select.value = String(other.id);
    }
  }

  /** @param {Entity} entity @param {boolean} write */
  #drawProperties(entity, write) {
    this.#propertyForm.hidden = !write;
    const rows = Object.entries(entity.properties).map(([key, value]) => {
      const row = make("li", {}, make("b", { dir: "auto" }, key), make("span", { dir: "auto" }, String(value)));
      if (write) {
        const remove = make("button", { type: "button", class: "plain", "aria-label": `Remove ${key}` }, icon("M6 6l12 12M18 6L6 18"));
        remove.addEventListener("click", () => this.#act(() => entity.setProperties({ [key]: null })));
        row.append(remove);
      }
      return row;
    });
    this.#properties.replaceChildren(...rows);
  }

  /** @param {string} fact @param {number} peer */
  #person(fact, peer) {
    const dot = make("i", { class: "dot", "aria-hidden": "true" });
    dot.style.background = colourOf(peer);
    const cell = find(`[data-fact=${fact}]`, HTMLElement, this.#panel);
    cell.replaceChildren(dot, make("span", { dir: "auto" }, peer === this.#me ? "you" : this.#people.nameOf(peer)));
    cell.dataset["peer"] = String(peer);
  }

  /** @param {string} fact @param {string} words */
  #write(fact, words) {
    const cell = find(`[data-fact=${fact}]`, HTMLElement, this.#panel);
    if (cell.textContent !== words) cell.textContent = words;
  }
}

/** What somebody typed, as the value that it looks like. @param {string} text @returns {string | number | boolean} */
export function valueOf(text) {
  const trimmed = text.trim();
  if (trimmed === "true" || trimmed === "false") return trimmed === "true";
  return trimmed !== "" && Number.isFinite(Number(trimmed)) ? Number(trimmed) : trimmed;
}
