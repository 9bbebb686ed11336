import { find, make } from "../parts/dom.js";
import { guest, hostKeys, MAX_NAME_CHARS, passwords, tidyName } from "../parts/keepsakes.js";
import { JoinError, join } from "../soiree/index.js";
import { closingWords, doorWords } from "./words.js";

/** @typedef {import("../soiree/room.js").Room} Room */

/** The dialog between outside and inside: asks for a name and a password, and says why one is not let in or no longer in. */
export class Door {
  #dialog = find("#door", HTMLDialogElement);
  #title = find("#door-title", HTMLElement);
  #text = find("#door-text", HTMLElement);
  #form = find("form", HTMLFormElement, this.#dialog);
  #fields = find("[data-fields]", HTMLElement, this.#dialog);
  #submit = find("button[type=submit]", HTMLButtonElement, this.#dialog);

  constructor() {
    this.#dialog.addEventListener("cancel", (event) => event.preventDefault());
  }

  /**
   * Until one is in.
   * @param {{code: string, id: string, name: string}} place the room, as far as the page knows it
   * @param {{name: string | null, transport: "auto" | "webrtc" | "websocket"}} wanted by the page's address
   * @returns {Promise<Room>}
   */
  async enter({ code, id, name: title }, wanted) {
    const name = tidyName(wanted.name ?? "") || guest.name() || (await this.#askName(title));
    for (;;) {
      const password = passwords.get(code) ?? undefined;
      try {
        const room = await join({ url: location.origin, room: code, name, transport: wanted.transport, password, hostKey: hostKeys.get(id) ?? undefined, storage: session() });
        if (this.#dialog.open) this.#dialog.close();
        return room;
      } catch (error) {
        if (!(error instanceof JoinError)) throw error;
        if (["unauthorized", "not-host"].includes(error.code) && hostKeys.get(id)) {
          hostKeys.drop(id); // the server has another secret now: we are a guest like any other
          continue;
        }
        if (error.code === "wrong-password") passwords.drop(code);
        const missing = error.code === "wrong-password" && password === undefined;
        const words = doorWords(missing ? "password-needed" : error.code, error.message);
        if (words.ask === "password") passwords.keep(code, await this.#ask(words, "password", { type: "password", autocomplete: "off" }));
        else await this.#say(words.title, words.text, words.again ? "Try again" : null);
      }
    }
  }

  /** The stay is over. @param {string} reason @param {string} message @param {boolean} byMe whether one has closed the room oneself */
  async closed(reason, message, byMe) {
    const words = closingWords(reason, message, byMe);
    await this.#say(words.title, words.text, words.again ? "Come back in" : null);
    location.reload();
  }

  /** @param {string} room its name */
  async #askName(room) {
    const words = { title: room ? `Into “${room}”` : "Who is coming in?", text: "What may the others call you?" };
    for (;;) {
      const name = tidyName(await this.#ask(words, "name", { maxlength: String(MAX_NAME_CHARS), autocomplete: "nickname" }));
      if (!name) continue;
      guest.rename(name);
      return name;
    }
  }

  /**
   * @param {{title: string, text: string}} words
   * @param {"name" | "password"} what
   * @param {Record<string, string>} attributes of the field
   * @returns {Promise<string>}
   */
  async #ask({ title, text }, what, attributes) {
    const id = `door-${what}`;
    const input = make("input", { id, name: what, required: true, autofocus: true, "data-testid": id, ...attributes });
    const label = make("label", { for: id }, what === "name" ? "Your name" : "Password");
    this.#fields.replaceChildren(make("div", { class: "field" }, label, input));
    this.#show(title, text, "Go in");
    input.focus();
    await this.#submitted();
    return input.value;
  }

  /** @param {string} title @param {string} text @param {string | null} again what the button says; null: there is no way in */
  async #say(title, text, again) {
    this.#fields.replaceChildren();
    this.#show(title, text, again);
    await this.#submitted();
  }

  /** @param {string} title @param {string} text @param {string | null} button */
  #show(title, text, button) {
    this.#title.textContent = title;
    this.#text.textContent = text;
    this.#submit.hidden = button === null;
    this.#submit.disabled = false;
    this.#submit.textContent = button ?? "";
    if (!this.#dialog.open) this.#dialog.showModal();
  }

  /** @returns {Promise<void>} */
  #submitted() {
    return new Promise((resolve) => {
      this.#form.addEventListener("submit", (event) => {
        event.preventDefault();
        this.#submit.disabled = true;
        resolve();
      }, { once: true });
    });
  }
}

/** @returns {Storage | null} */
function session() {
  try {
    return sessionStorage;
  } catch {
    return null; // refused: a reload makes one somebody new
  }
}
