/** One string kept in a Storage under a name of ours, if there is a Storage and it lets us. */

export class Keepsake {
  #storage;
  #key;

  /** @param {Storage | null | undefined} storage @param {string[]} path what it is, and of which server and room */
  constructor(storage, ...path) {
    this.#storage = storage ?? null;
    this.#key = ["soiree", ...path].join(":");
  }

  /** @returns {string | undefined} */
  read() {
    try {
      return this.#storage?.getItem(this.#key) ?? undefined;
    } catch {
      return undefined;
    }
  }

  /** @param {string | null} value null: forget it */
  write(value) {
    try {
      if (value === null) this.#storage?.removeItem(this.#key);
      else this.#storage?.setItem(this.#key, value);
    } catch {
      // A full or forbidden storage: the page goes on without.
    }
  }
}
