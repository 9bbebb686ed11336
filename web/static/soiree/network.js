/** Tells when this device has changed its network, as far as the place it runs in knows (browsers do, some better than others). */

/** Milliseconds of quiet after which a change is told: an adapter that comes up tells several. */
export const SETTLE_MS = 300;

export class NetworkWatch {
  /** @type {() => void} */
  #changed;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  #soon = () => {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(this.#changed, SETTLE_MS);
  };

  /** @param {() => void} changed */
  constructor(changed) {
    this.#changed = changed;
    globalThis.addEventListener?.("online", this.#soon);
    connection()?.addEventListener?.("change", this.#soon);
  }

  stop() {
    clearTimeout(this.#timer);
    globalThis.removeEventListener?.("online", this.#soon);
    connection()?.removeEventListener?.("change", this.#soon);
  }
}

/** @returns {EventTarget | undefined} the Network Information API, where there is one */
function connection() {
  const { navigator } = /** @type {{navigator?: {connection?: EventTarget}}} */ (/** @type {unknown} */ (globalThis));
  return navigator?.connection;
}
