/** Commands under way: each is answered by the message that names its number as `re` (docs/PROTOCOL.md section 3, "Answers"). */

import { RefusedError } from "./errors.js";

/** @typedef {import("./control.js").ControlMessage} ControlMessage */
/**
 * @typedef {object} Waiting
 * @property {number} missing answers
 * @property {ControlMessage[]} answers
 * @property {(answers: ControlMessage[]) => void} resolve
 * @property {(error: Error) => void} reject
 * @property {Promise<ControlMessage[]>} promise
 */

/** Why a group is refused as a whole, by one answer. */
const WHOLE = new Set(["malformed", "rate"]);

export class Commands {
  /** Bounded by the session: what is unanswered was at some time unapplied, and answers follow. @type {Map<number, Waiting>} */
  #waiting = new Map();

  get size() {
    return this.#waiting.size;
  }

  /** @param {number} n number of the message sent @returns {Promise<ControlMessage>} its answer; rejects with RefusedError */
  async answerTo(n) {
    const [answer] = /** @type {[ControlMessage]} */ (await this.answersTo(n, 1));
    if (answer.type === "refused") throw refusal(answer);
    return answer;
  }

  /**
   * @param {number} n number of the group sent
   * @param {number} count of messages in it
   * @returns {Promise<ControlMessage[]>} an answer to each, in their order; rejects with RefusedError when it was refused as a whole
   */
  answersTo(n, count) {
    /** @type {Partial<Waiting>} */
    const waiting = { missing: count, answers: [] };
    const promise = new Promise((resolve, reject) => Object.assign(waiting, { resolve, reject }));
    this.#waiting.set(n, /** @type {Waiting} */ (Object.assign(waiting, { promise })));
    return promise;
  }

  /** Call it when the message has had its effect, so that who waits sees that. @param {ControlMessage} message */
  settle(message) {
    const waiting = this.#waiting.get(message.re);
    if (!message.re || !waiting) return;
    const whole = waiting.missing > 1 && waiting.answers.length === 0 && message.type === "refused" && WHOLE.has(message.reason);
    waiting.answers.push(message);
    if (!whole && --waiting.missing > 0) return;
    this.#waiting.delete(message.re);
    if (whole) waiting.reject(refusal(message));
    else waiting.resolve(waiting.answers);
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

/** @param {ControlMessage} message refused @returns {RefusedError} */
export function refusal({ reason, entity, owner, epoch }) {
  return new RefusedError(reason, entity, owner, epoch);
}
