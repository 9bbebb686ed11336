/** What was said, bounded; and what an event of a stranger may be. Pure. */

/** Lines kept and drawn. */
export const MAX_LINES = 200;
/** Longest line that is sent or shown, characters. */
export const MAX_TEXT_CHARS = 500;

/** @typedef {{kind: "said" | "news", from: number, name: string, text: string, at: Date}} Line */

export class Talk {
  /** @type {Line[]} */
  lines = [];

  /** @param {Line} line @returns {number} how many old lines fell out */
  add(line) {
    this.lines.push(line);
    return this.lines.splice(0, Math.max(0, this.lines.length - MAX_LINES)).length;
  }
}

/**
 * The text of a chat event, if it is one.
 * @param {unknown} payload whatever a peer has sent
 * @returns {string | null}
 */
export function textOf(payload) {
  const text = payload instanceof Map ? payload.get("text") : /** @type {{text?: unknown} | null} */ (payload)?.text;
  return typeof text === "string" ? tidyText(text) : null;
}

/** @param {string} text @returns {string | null} trimmed and bounded; null when nothing is left */
export function tidyText(text) {
  const tidy = [...text.replace(/\p{Cc}+/gu, " ").trim()].slice(0, MAX_TEXT_CHARS).join("");
  return tidy || null;
}

/** @param {Date} at */
export function clockTime(at) {
  return `${String(at.getHours()).padStart(2, "0")}:${String(at.getMinutes()).padStart(2, "0")}`;
}
