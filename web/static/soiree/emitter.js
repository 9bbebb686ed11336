/** Events by name: what a Room is, and nothing more. */

/** @typedef {(detail: any) => void} Listener */

export class Emitter {
  /** @type {Map<string, Set<Listener>>} */
  #listeners = new Map();

  /**
   * @param {string} type
   * @param {Listener} listener
   * @returns {() => void} call it to listen no longer
   */
  on(type, listener) {
    let listeners = this.#listeners.get(type);
    if (!listeners) this.#listeners.set(type, (listeners = new Set()));
    listeners.add(listener);
    return () => void listeners.delete(listener);
  }

  /** @param {string} type @returns {Promise<any>} the next event of that type */
  once(type) {
    return new Promise((resolve) => {
      const stop = this.on(type, (detail) => {
        stop();
        resolve(detail);
      });
    });
  }

  /**
   * Calls the listeners, each whatever the others do: what one throws is reported as an uncaught error.
   * @param {string} type
   * @param {unknown} detail
   * @protected
   */
  emit(type, detail) {
    for (const listener of [...(this.#listeners.get(type) ?? [])]) {
      try {
        listener(detail);
      } catch (error) {
        if (typeof reportError === "function") reportError(error);
        else Promise.reject(error);
      }
    }
  }
}
