/** The page of a lobby of Godot's own protocol: asks once a second who is in, and what each has sent and got. */

import { find, make } from "../parts/dom.js";

const EVERY_MS = 1000;
const MODES = /** @type {Record<string, string>} */ ({
  direct: "From player to player: this server sees none of their packets.",
  bridge: "Through this server: each connection is two, and every packet is handed on unread.",
  relay: "Through this server, which is peer 1 without the game’s code.",
});

/**
 * @typedef {object} Peer
 * @property {number} peer
 * @property {boolean} host
 * @property {boolean} signalling its socket is open
 * @property {number} connections
 * @property {number} packets_in
 * @property {number} bytes_in
 * @property {number} packets_out
 * @property {number} bytes_out
 * @property {number} dropped
 */

const game = find("#game", HTMLElement);
const mode = find("#mode", HTMLElement);
const rows = find("#peers", HTMLElement);
const gone = find("#gone", HTMLElement);

/** @param {number} packets @param {number} bytes */
const amount = (packets, bytes) => `${packets.toLocaleString("en")} · ${(bytes / 1000).toLocaleString("en", { maximumFractionDigits: 1 })} kB`;

/** @param {Peer} one @param {boolean} counted */
const row = (one, counted) => make(
  "tr", { "data-testid": "godot-peer", "data-peer": String(one.peer) },
  make("th", { scope: "row" }, `${one.peer}${one.host ? " (host)" : ""}${one.signalling ? "" : ", in the game alone"}`),
  ...[String(one.connections), amount(one.packets_in, one.bytes_in), amount(one.packets_out, one.bytes_out), String(one.dropped)]
    .map((text) => make("td", {}, counted ? text : "–")),
);

async function look() {
  const answer = await fetch(`/lobbies/${game.dataset.handle}.json`);
  if (!answer.ok) {
    gone.textContent = "This game is over.";
    rows.replaceChildren();
    return;
  }
  const lobby = await answer.json();
  mode.textContent = `${MODES[lobby.mode]} ${lobby.mesh ? "A mesh." : ""}${lobby.sealed ? " Sealed: nobody can join." : ""}`;
  rows.replaceChildren(...lobby.peers.map((/** @type {Peer} */ one) => row(one, lobby.mode !== "direct")));
  setTimeout(keepLooking, EVERY_MS);
}

function keepLooking() {
  look().catch(() => {
    gone.textContent = "The server does not answer. Reload to try again.";
  });
}

keepLooking();
