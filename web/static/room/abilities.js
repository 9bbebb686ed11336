/** What one may do with an entity, by PROTOCOL section 7; and why not. Pure. */

/**
 * @typedef {object} Standing what matters of an entity
 * @property {number} owner 0 for nobody
 * @property {number} master 0 for nobody
 * @property {string} rule ask, allow or deny
 */

/**
 * @typedef {object} Abilities
 * @property {"take" | "ask" | null} request how ownership may be had: at once, by asking, or not
 * @property {boolean} release
 * @property {boolean} master whether the commands of a master are open: assign, rule, mastership, despawn
 * @property {boolean} write whether state and properties are
 * @property {string} why a sentence on where one stands
 */

/**
 * @param {Standing} entity
 * @param {number} me one's own peer id
 * @param {(peer: number) => string} nameOf
 * @returns {Abilities}
 */
export function abilities({ owner, master, rule }, me, nameOf) {
  const isMine = owner === me;
  const isMastered = master === me;
  const whose = master === 0 ? "nobody" : nameOf(master);
  /** @type {Abilities} */
  const may = { request: null, release: isMine && !isMastered && master !== 0, master: isMastered, write: isMine, why: "" };
  if (isMine && isMastered) may.why = "Yours: you own and master it.";
  else if (isMine) may.why = master === 0 ? "You own it. It has no master to give it back to." : `You own it. It goes back to ${whose} when you release it.`;
  else if (isMastered) {
    may.request = "take";
    may.why = `You are its master: you may take it from ${owner === 0 ? "nobody" : nameOf(owner)} at any time.`;
  } else if (rule === "allow") {
    may.request = "take";
    may.why = "Anybody may take it.";
  } else if (rule === "ask") {
    may.request = "ask";
    may.why = master === 0 ? "Its master is gone, so nobody may answer." : `${whose} decides who gets it.`;
  } else may.why = `Its rule is deny: only ${whose} may pass it on.`;
  return may;
}
