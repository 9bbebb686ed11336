/** @typedef {import("../parts/api.js").RoomInfo} RoomInfo */

/** Most rooms that the page draws; the server bounds its own list as well. */
export const MAX_DRAWN_ROOMS = 200;

/** The public rooms as the server tells them, in the order in which they are shown. */
export class Directory {
  /** @type {Map<string, RoomInfo>} */
  #rooms = new Map();

  /** @param {RoomInfo[]} rooms the whole list: what is not in it is gone */
  replace(rooms) {
    this.#rooms = new Map(rooms.map((room) => [room.id, room]));
  }

  /** @param {RoomInfo} room one that appeared or changed */
  put(room) {
    if (room.public) this.#rooms.set(room.id, room);
    else this.#rooms.delete(room.id);
  }

  /** @param {string} id */
  remove(id) {
    this.#rooms.delete(id);
  }

  /** @returns {number} people in all of them */
  get people() {
    return [...this.#rooms.values()].reduce((sum, room) => sum + room.peers, 0);
  }

  get size() {
    return this.#rooms.size;
  }

  /**
   * Where one may go in first, of these the liveliest, then the newest.
   * @returns {RoomInfo[]}
   */
  sorted() {
    const shut = (/** @type {RoomInfo} */ room) => Number(room.locked || room.peers >= room.capacity);
    return [...this.#rooms.values()]
      .sort((a, b) => shut(a) - shut(b) || b.peers - a.peers || compare(b.created_at, a.created_at) || compare(a.id, b.id))
      .slice(0, MAX_DRAWN_ROOMS);
  }
}

/** @param {string} a @param {string} b */
function compare(a, b) {
  return a < b ? -1 : Number(a > b);
}

/**
 * What a card says of a room, in plain words.
 * @param {RoomInfo} room
 * @returns {{people: string, notes: string[], open: boolean}}
 */
export function describe(room) {
  const full = room.peers >= room.capacity;
  const notes = [];
  if (room.locked) notes.push("Locked by its host");
  if (full) notes.push("Full");
  if (room.password) notes.push("Asks for a password");
  const people = room.peers === 0 ? `Nobody yet · room for ${room.capacity}` : `${room.peers} of ${room.capacity} here`;
  return { people, notes, open: !full && !room.locked };
}

/**
 * The code in what somebody typed: a code, or a whole invite link.
 * @param {string} text
 * @returns {string} "" when there is none
 */
export function codeFrom(text) {
  const link = /\/r\/([^/?#\s]+)/u.exec(text);
  return (link?.[1] ?? text).replace(/\s+/gu, "");
}
