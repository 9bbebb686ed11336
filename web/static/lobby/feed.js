/** @typedef {import("../parts/api.js").RoomInfo} RoomInfo */

/** Longest pause between two attempts to hear from the server again. */
const MAX_PAUSE_MS = 15_000;

/**
 * @typedef {object} Listener
 * @property {(rooms: RoomInfo[]) => void} rooms the whole list
 * @property {(room: RoomInfo) => void} room one appeared or changed
 * @property {(id: string) => void} gone
 * @property {(live: boolean) => void} live whether the server is heard
 */

/** The server-sent events of the public rooms, opened again whenever they end. */
export class Feed {
  /** @type {EventSource | null} */
  #source = null;
  #failures = 0;
  #listener;

  /** @param {Listener} listener */
  constructor(listener) {
    this.#listener = listener;
    this.#open();
    // A page taken from the back-forward cache has lost its connection without a word.
    addEventListener("pageshow", (event) => event.persisted && this.#open());
    addEventListener("pagehide", () => this.#source?.close());
  }

  #open() {
    this.#source?.close();
    const source = new EventSource("/api/v1/rooms/events");
    this.#source = source;
    const read = (/** @type {Event} */ event) => JSON.parse(/** @type {MessageEvent<string>} */ (event).data);
    source.addEventListener("rooms", (event) => {
      const told = read(event);
      this.#failures = 0;
      this.#listener.live(true);
      this.#listener.rooms(Array.isArray(told) ? told : told.rooms);
    });
    source.addEventListener("room", (event) => this.#listener.room(read(event)));
    source.addEventListener("gone", (event) => this.#listener.gone(read(event).id));
    source.addEventListener("error", () => this.#again(source));
  }

  /** @param {EventSource} source that failed: browsers give up for good on some errors, so a new one is made */
  #again(source) {
    source.close();
    if (source !== this.#source) return;
    this.#listener.live(false);
    setTimeout(() => source === this.#source && this.#open(), Math.min(1000 * 2 ** this.#failures++, MAX_PAUSE_MS));
  }
}
