import { find, icon, make } from "../parts/dom.js";
import { describe } from "./directory.js";
import { bulbsFor, garland } from "./garland.js";

/** @typedef {import("../parts/api.js").RoomInfo} RoomInfo */

const SHARE = "M4 12v7a1 1 0 0 0 1 1h14a1 1 0 0 0 1-1v-7M12 15V4M8 7.500l4-4 4 4";

/** The cards of the public rooms, each a list item that is kept while its room lives, so that focus stays where it is. */
export class RoomList {
  #list = find("#rooms", HTMLUListElement);
  #empty = find("#no-rooms", HTMLElement);
  #summary = find("#rooms-summary", HTMLElement);
  /** @type {Map<string, {item: HTMLLIElement, drawn: string}>} */
  #cards = new Map();
  #onInvite;

  /** @param {(room: RoomInfo) => void} onInvite */
  constructor(onInvite) {
    this.#onInvite = onInvite;
  }

  /** @param {RoomInfo[]} rooms in the order in which they are shown */
  draw(rooms) {
    const kept = new Set(rooms.map((room) => room.id));
    for (const [id, { item }] of this.#cards) {
      if (kept.has(id)) continue;
      item.remove();
      this.#cards.delete(id);
    }
    const focused = document.activeElement;
    rooms.forEach((room, place) => {
      const item = this.#card(room);
      if (this.#list.children[place] !== item) this.#list.insertBefore(item, this.#list.children[place] ?? null);
    });
    // A card that is moved loses the focus.
    if (focused instanceof HTMLElement && focused.isConnected && focused !== document.activeElement) focused.focus();
    this.#empty.hidden = rooms.length > 0;
    const people = rooms.reduce((sum, room) => sum + room.peers, 0);
    const words = `${rooms.length} ${rooms.length === 1 ? "room" : "rooms"} open, ${people} ${people === 1 ? "person" : "people"} in`;
    if (this.#summary.textContent !== words) this.#summary.textContent = words;
  }

  /** @param {RoomInfo} room */
  #card(room) {
    const drawn = JSON.stringify(room);
    const known = this.#cards.get(room.id);
    if (known?.drawn === drawn) return known.item;
    const item = known?.item ?? newCard();
    const held = item.contains(document.activeElement) ? document.activeElement?.getAttribute("data-act") : null;
    item.replaceChildren(...this.#inside(room));
    if (held) find(`[data-act="${held}"]`, HTMLElement, item).focus();
    this.#cards.set(room.id, { item, drawn });
    return item;
  }

  /** @param {RoomInfo} room */
  #inside(room) {
    const { people, notes, open } = describe(room);
    const { bulbs, lit } = bulbsFor(room.peers, room.capacity);
    const name = make("h3", { dir: "auto" }, room.name);
    const invite = make("button", { type: "button", class: "plain round", "data-act": "invite", "aria-label": `Invite somebody to ${room.name}` }, icon(SHARE));
    invite.addEventListener("click", () => this.#onInvite(room));
    const enter = make(
      "a",
      { href: `/r/${encodeURIComponent(room.code)}`, class: open ? "button glowing" : "button", "data-act": "enter", "data-testid": "room-enter", "aria-label": `Go into ${room.name}` },
      open ? "Go in" : "Try the door",
    );
    const facts = make("p", { class: "people" }, people);
    const marks = make("p", { class: "marks" }, ...notes.map((note) => make("span", { class: "mark" }, note)));
    return [
      garland({ bulbs, lit, width: 300, sag: 16, size: 6.5 }),
      make("div", { class: "room-words" }, name, facts, marks),
      make("div", { class: "row ends" }, invite, enter),
    ];
  }
}

/** An empty card that rises once: being moved is no news. */
function newCard() {
  const item = make("li", { class: "room-card new", "data-testid": "room-card" });
  item.addEventListener("animationend", () => item.classList.remove("new"), { once: true });
  return item;
}
