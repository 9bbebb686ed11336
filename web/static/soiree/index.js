/**
 * Soiree in a browser: `join()` a room, share entities.
 *
 *     import { join } from "https://HOST/static/soiree/index.js";
 *     const room = await join({ room: "CODE", name: "Ada" });
 *     const me = await room.spawn("avatar", { position: [0, 0, 0] });
 *     room.on("state", ({ entities }) => draw(entities));
 *
 * No dependency, no build step, no DOM beyond fetch, WebSocket and RTCPeerConnection.
 */

import { JoinError } from "./errors.js";
import { Room } from "./room.js";

export { Ask } from "./ask.js";
export { Entity } from "./entity.js";
export { ClosedError, JoinError, REFUSALS, RefusedError, SoireeError, WireError } from "./errors.js";
export { Group, Unborn } from "./group.js";
export { Extension } from "./msgpack.js";
export { Room } from "./room.js";

/** @typedef {Omit<import("./room.js").RoomOptions, "url"> & {url?: string}} JoinOptions */

/**
 * Joins a room, over WebRTC or, where that cannot pass, a WebSocket.
 * @param {JoinOptions} options url: the server, by default the one this module came from; room: its id or code
 * @returns {Promise<Room>}
 * @throws {JoinError}
 */
export async function join({ url = new URL(import.meta.url).origin, ...options }) {
  if (!/^https?:\/\//.test(url)) throw new JoinError("url", "join() needs the url of a server");
  return new Room({ url, ...options }).enter();
}
