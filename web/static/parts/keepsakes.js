/** What the browser keeps for its visitor: the name, and the keys of rooms that were made here. */

const NAME = "soiree.name";
const HOST_KEY = "soiree.host.";
const HINT = "soiree.hint.";
const PASSWORD = "soiree.password.";
export const MAX_NAME_CHARS = 64;

/**
 * Storage that never throws: without the right to store, things last as long as the page.
 * @param {() => Storage} open
 */
function careful(open) {
  /** @type {Map<string, string>} */
  const memory = new Map();
  return {
    /** @param {string} key */
    get(key) {
      try {
        return open().getItem(key) ?? memory.get(key) ?? null;
      } catch {
        return memory.get(key) ?? null;
      }
    },
    /** @param {string} key @param {string} value */
    set(key, value) {
      memory.set(key, value);
      try {
        open().setItem(key, value);
      } catch {
        // Kept in memory alone.
      }
    },
    /** @param {string} key */
    remove(key) {
      memory.delete(key);
      try {
        open().removeItem(key);
      } catch {
        // Nothing was stored.
      }
    },
  };
}

const lasting = careful(() => localStorage);
const passing = careful(() => sessionStorage);

/**
 * A name as the server takes it: trimmed, single spaces, at most 64 characters.
 * @param {string} text
 */
export function tidyName(text) {
  return [...text.replace(/\s+/gu, " ").trim()].slice(0, MAX_NAME_CHARS).join("").trim();
}

export const guest = {
  /** @returns {string} "" when it was never said */
  name: () => lasting.get(NAME) ?? "",
  /** @param {string} name */
  rename: (name) => lasting.set(NAME, tidyName(name)),
};

export const hostKeys = {
  /** @param {string} roomId */
  get: (roomId) => lasting.get(HOST_KEY + roomId),
  /** @param {string} roomId @param {string} key */
  keep: (roomId, key) => lasting.set(HOST_KEY + roomId, key),
  /** @param {string} roomId */
  drop: (roomId) => lasting.remove(HOST_KEY + roomId),
};

/** What was explained once. */
export const hints = {
  /** @param {string} what */
  seen: (what) => lasting.get(HINT + what) !== null,
  /** @param {string} what */
  keep: (what) => lasting.set(HINT + what, "seen"),
};

/** Passwords, for this tab alone: so that a reload does not ask again. */
export const passwords = {
  /** @param {string} code */
  get: (code) => passing.get(PASSWORD + code),
  /** @param {string} code @param {string} password */
  keep: (code, password) => passing.set(PASSWORD + code, password),
  /** @param {string} code */
  drop: (code) => passing.remove(PASSWORD + code),
};

/** Any other small thing that belongs to this tab. */
export const tab = passing;
