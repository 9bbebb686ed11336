import { call } from "../parts/api.js";
import { find, openDialog } from "../parts/dom.js";
import { hostKeys } from "../parts/keepsakes.js";

/** What the host of a room may do, with the key that the browser kept when the room was made. */
export class Hosting {
  #box = find("#hosting", HTMLElement);
  #lock = find("#btn-lock", HTMLButtonElement);
  #confirm = find("#close-dialog", HTMLDialogElement);
  #locked = false;
  /** Whether one has closed the room oneself. */
  closed = false;
  #roomId;
  #key;
  #onError;
  #onLocked;

  /**
   * @param {string} roomId
   * @param {boolean} locked as the page was told
   * @param {(locked: boolean) => void} onLocked
   * @param {(error: unknown) => void} onError
   */
  constructor(roomId, locked, onLocked, onError) {
    this.#roomId = roomId;
    this.#key = hostKeys.get(roomId);
    this.#onLocked = onLocked;
    this.#onError = onError;
    this.#box.hidden = !this.isHost;
    this.#show(locked);
    this.#lock.addEventListener("click", () => this.#toggle());
    find("#btn-close-room", HTMLButtonElement).addEventListener("click", () => openDialog(this.#confirm));
    find("#btn-close-sure", HTMLButtonElement).addEventListener("click", () => this.#close());
  }

  get isHost() {
    return this.#key !== null;
  }

  /** @param {number} peer */
  async kick(peer) {
    await this.#call("POST", "/kick", { peer_id: peer, reason: "You were removed from this room." });
  }

  async #toggle() {
    if (await this.#call("PATCH", "", { locked: !this.#locked })) this.#show(!this.#locked);
  }

  async #close() {
    this.#confirm.close();
    this.closed = true; // the relay may close the room before the answer is here
    this.closed = await this.#call("DELETE", "");
    if (this.closed) hostKeys.drop(this.#roomId);
  }

  /** @param {boolean} locked */
  #show(locked) {
    this.#locked = locked;
    this.#lock.textContent = locked ? "Unlock" : "Lock the door";
    this.#lock.setAttribute("aria-pressed", String(locked));
    this.#onLocked(locked);
  }

  /** @param {string} method @param {string} path @param {unknown} [body] @returns {Promise<boolean>} whether it was done */
  async #call(method, path, body) {
    try {
      await call(method, `/rooms/${encodeURIComponent(this.#roomId)}${path}`, { body, hostKey: this.#key ?? "" });
      return true;
    } catch (error) {
      this.#onError(error);
      return false;
    }
  }
}
