/** A peer asks for something that we are master of. */

export class Ask {
  #answer;
  #answered = false;

  /**
   * @param {import("./entity.js").Entity} entity
   * @param {{id: number, name: string, away: boolean, self: boolean}} peer who asks
   * @param {string} note what it says
   * @param {number} timeoutMs how long the relay waits for the answer
   * @param {(allow: boolean) => Promise<void>} answer
   */
  constructor(entity, peer, note, timeoutMs, answer) {
    this.entity = entity;
    this.peer = peer;
    this.note = note;
    this.timeoutMs = timeoutMs;
    /** When the relay stops waiting, as `Date.now()` counts. */
    this.deadlineMs = Date.now() + timeoutMs;
    this.#answer = answer;
  }

  /** @returns {Promise<void>} rejects with RefusedError when it was answered or settled already */
  allow() {
    return this.#say(true);
  }

  /** @returns {Promise<void>} */
  deny() {
    return this.#say(false);
  }

  /** @param {boolean} allow */
  async #say(allow) {
    if (this.#answered) return;
    this.#answered = true;
    await this.#answer(allow);
  }
}
