/** Commands under way: each is answered by the message that names its number as `re` (docs/PROTOCOL.md section 3, "Answers"). */

import { RefusedError } from "./errors.js";

/** @typedef {import("./control.js").ControlMessage} ControlMessage */
/** @typedef {{resolve: (answer: ControlMessage) => void, reject: (error: Error) => void, promise: Promise<ControlMessage>}} Waiting */

export class Commands {
  /** Bounded by the session: what is unanswered was at some time unapplied, and answers follow. @type {Map<number, Waiting>} */
  #waiting = new Map();

  get size() {
    return this.#waiting.size;
  }

  /** @param {number} n number of the message sent @returns {Promise<ControlMessage>} its answer; rejects with RefusedError */
  answerTo(n) {
    /** @type {Partial<Waiting>} */
    const waiting = {};
    const promise = new Promise((resolve, reject) => Object.assign(waiting, { resolve, reject }));
    this.#waiting.set(n, /** @type {Waiting} */ (Object.assign(waiting, { promise })));
    return promise;
  }

  /** Call it when the message has had its effect, so that who waits sees that. @param {ControlMessage} message */
  settle(message) {
    const waiting = this.#waiting.get(message.re);
    if (!message.re || !waiting) return;
    this.#waiting.delete(message.re);
    if (message.type === "refused") waiting.reject(new RefusedError(message.reason, message.entity, message.owner, message.epoch));
    else waiting.resolve(message);
  }

  /** None will be answered any more. @param {Error} error */
  rejectAll(error) {
    for (const { promise, reject } of this.#waiting.values()) {
      // Who did not wait for the answer is not to be alarmed by the end of the room.
      promise.catch(() => {});
      reject(error);
    }
    this.#waiting.clear();
  }
}
