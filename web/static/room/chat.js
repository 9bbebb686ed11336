import { find, make } from "../parts/dom.js";
import { colourOf } from "./palette.js";
import { clockTime, Talk, textOf, tidyText } from "./talk.js";

/** The log and the line to type in. What is said goes through the room as an event, one's own words too. */
export class Chat {
  #talk = new Talk();
  #log = find("#chat-log", HTMLOListElement);
  #form = find("#chat-form", HTMLFormElement);
  #input = find("#chat-input", HTMLInputElement);
  /** Lines that came while the log could not be seen. */
  unread = 0;
  onUnread = () => {};

  /** @param {(text: string) => Promise<void>} send rejects when it could not be said */
  constructor(send) {
    this.#form.addEventListener("submit", async (event) => {
      event.preventDefault();
      const text = tidyText(this.#input.value);
      if (!text) return;
      this.#input.value = "";
      try {
        await send(text);
      } catch {
        if (!this.#input.value) this.#input.value = text;
      }
    });
  }

  /** Somebody said something. @param {number} from @param {string} name @param {unknown} payload of the event */
  hear(from, name, payload) {
    const text = textOf(payload);
    if (text !== null) this.#add({ kind: "said", from, name, text, at: new Date() });
  }

  /** Something happened. @param {string} text */
  report(text) {
    this.#add({ kind: "news", from: 0, name: "", text, at: new Date() });
  }

  seen() {
    this.unread = 0;
    this.onUnread();
  }

  /** @param {import("./talk.js").Line} line */
  #add(line) {
    const followed = this.#log.scrollHeight - this.#log.scrollTop - this.#log.clientHeight < 40;
    for (let fallen = this.#talk.add(line); fallen > 0; fallen--) this.#log.firstElementChild?.remove();
    const time = make("time", { datetime: line.at.toISOString() }, clockTime(line.at));
    const words = make("span", { class: "words", dir: "auto" }, line.text);
    const item = make("li", { class: line.kind, "data-testid": line.kind === "said" ? "chat-line" : "chat-news" });
    if (line.kind === "said") {
      const name = make("b", { dir: "auto" }, line.name);
      const dot = make("i", { class: "dot", "aria-hidden": "true" });
      dot.style.background = colourOf(line.from);
      item.append(dot, name, time, words);
    } else item.append(words, time);
    this.#log.append(item);
    if (followed) this.#log.scrollTop = this.#log.scrollHeight;
    if (line.kind === "said" && this.#log.offsetParent === null) {
      this.unread++;
      this.onUnread();
    }
  }
}
