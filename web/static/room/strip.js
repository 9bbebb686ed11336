import { find } from "../parts/dom.js";
import { figure, percent, rungWords } from "./words.js";

/** @typedef {import("../soiree/room.js").Room} Room */

const EVERY_MS = 500;

/** The line of figures: which way the packets go, how long they take, how many get lost. */
export class Strip {
  #strip = find("#strip", HTMLElement);
  #cells = {
    rung: find("[data-cell=rung]", HTMLElement, this.#strip),
    rtt: find("[data-cell=rtt]", HTMLElement, this.#strip),
    loss: find("[data-cell=loss]", HTMLElement, this.#strip),
    in: find("[data-cell=in]", HTMLElement, this.#strip),
    out: find("[data-cell=out]", HTMLElement, this.#strip),
    people: find("[data-cell=people]", HTMLElement, this.#strip),
    sight: find("[data-cell=sight]", HTMLElement, this.#strip),
  };
  #room;
  #capacity;
  #wanted;

  /** @param {Room} room @param {number | null} capacity @param {string} wanted transport */
  constructor(room, capacity, wanted) {
    this.#room = room;
    this.#capacity = capacity;
    this.#wanted = wanted;
    setInterval(() => document.hidden || this.draw(), EVERY_MS);
    this.draw();
  }

  draw() {
    const room = this.#room;
    const stats = room.stats();
    const measured = room.connected && stats.rttMs > 0;
    this.#strip.dataset["rung"] = room.connected ? room.rung ?? "" : "";
    this.#write("rung", room.connected ? rungWords(room.rung, this.#wanted) : "no connection");
    this.#write("rtt", measured ? figure(stats.rttMs, "ms") : "–");
    this.#write("loss", `${percent(stats.lossUp)} / ${percent(stats.lossDown)}`);
    this.#write("in", figure(stats.kbitSIn, "kbit/s"));
    this.#write("out", figure(stats.kbitSOut, "kbit/s"));
    this.#write("people", !room.connected ? "–" : this.#capacity ? `${room.peers.size} of ${this.#capacity}` : String(room.peers.size));
    this.#write("sight", room.connected ? String(room.entities.size) : "–");
  }

  /** @param {"rung" | "rtt" | "loss" | "in" | "out" | "people" | "sight"} cell @param {string} words */
  #write(cell, words) {
    if (this.#cells[cell].textContent !== words) this.#cells[cell].textContent = words;
  }
}
