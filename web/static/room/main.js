/** The room page: goes in, and joins the room, the map and the panels to each other. */

import { ApiError } from "../parts/api.js";
import { find, openDialog } from "../parts/dom.js";
import { Invitation } from "../parts/invitation.js";
import { Toasts } from "../parts/toasts.js";
import { ClosedError, RefusedError, SoireeError } from "../soiree/index.js";
import { Asks } from "./asks.js";
import { Boarding } from "./boarding.js";
import { Chat } from "./chat.js";
import { Door } from "./door.js";
import { WalkingHint } from "./hint.js";
import { Hosting } from "./hosting.js";
import { Panel } from "./panel.js";
import { People } from "./people.js";
import { Scene } from "./scene.js";
import { Side } from "./side.js";
import { Spawning } from "./spawning.js";
import { Strip } from "./strip.js";
import { Things } from "./things.js";
import { grantWords, refusalWords } from "./words.js";

/** @typedef {import("../soiree/entity.js").Entity} Entity */
/** @typedef {import("../soiree/room.js").Room} Room */
/** @typedef {import("../parts/api.js").RoomInfo} RoomInfo */

/** On arrival everybody is told of as if they had just come: no news for so long, milliseconds. */
const SETTLING_MS = 1500;

/** With more things about, only what concerns oneself is news. */
const MANY = 200;

const toasts = new Toasts();
/** @type {RoomInfo | null} */
const told = JSON.parse(find("#page-data", HTMLScriptElement).textContent || "null");
const code = told?.code ?? decodeURIComponent(location.pathname.split("/")[2] ?? "");
const address = new URLSearchParams(location.search);
const transport = /** @type {"auto" | "webrtc" | "websocket"} */ (["webrtc", "websocket"].find((one) => one === address.get("transport")) ?? "auto");

/** @param {unknown} error */
function complain(error) {
  if (error instanceof RefusedError) toasts.warn(refusalWords(error.reason));
  else if (error instanceof ApiError || error instanceof SoireeError) {
    if (!(error instanceof ClosedError)) toasts.warn(error.message);
  } else throw error;
}

/** @param {() => Promise<unknown>} work @param {string} [done] */
async function act(work, done) {
  try {
    await work();
    if (done) toasts.say(done);
  } catch (error) {
    complain(error);
  }
}

const door = new Door();
const room = await door.enter({ code, id: told?.id ?? "", name: told?.name ?? "" }, { name: address.get("name"), transport });
Object.assign(window, { soiree: { room } });
document.body.dataset["inside"] = "yes";

const invited = { code: room.code || code, name: room.name, invite_url: told?.invite_url ?? "" };
const invitation = new Invitation();
find("#room-title", HTMLElement).textContent = room.name;
document.title = `${room.name} · Soirée`;
find("#btn-invite", HTMLButtonElement).addEventListener("click", () => invitation.open(invited));
find("#btn-help", HTMLButtonElement).addEventListener("click", () => openDialog(find("#help", HTMLDialogElement)));

const hosting = new Hosting(room.id, told?.locked ?? false, (locked) => (find("#locked-mark", HTMLElement).hidden = !locked), complain);
const people = new People(room.peerId, room.peers, hosting.isHost ? (peer) => hosting.kick(peer.id) : null);
const asks = new Asks(complain);
const chat = new Chat((text) => act(() => room.sendEvent("chat", { text })));
const side = new Side((part) => part === "chat" && chat.seen());
const panel = new Panel(room.peerId, people, act, () => choose(null));
const scale = find("#scale", HTMLElement);
const scene = new Scene(room, find("#map", HTMLCanvasElement), people.nameOf, drawScale, {
  choose,
  open: () => panel.entity && panel.focus(),
  answer: (allow) => void asks.answerOldest(allow),
  chat: () => (side.isWide ? find("#chat-input", HTMLInputElement).focus() : side.toggle("chat")),
  board: () => void boarding.use(),
}, free);
const boarding = new Boarding(room, scene.riding, act);
const things = new Things(room.entities, people.nameOf, (entity) => {
  choose(entity);
  if (!side.isWide) side.toggle(null);
});
new Spawning(room, () => scene.standing(), complain);
const strip = new Strip(room, told?.capacity ?? null, transport);

find("#zoom-in", HTMLButtonElement).addEventListener("click", () => scene.zoom(1.4));
find("#zoom-out", HTMLButtonElement).addEventListener("click", () => scene.zoom(1 / 1.4));
find("#zoom-home", HTMLButtonElement).addEventListener("click", () => scene.home());
const budget = find("#budget", HTMLSelectElement);
budget.addEventListener("change", () => act(() => room.setBudget(Number(budget.value))));
find("#btn-leave", HTMLButtonElement).addEventListener("click", leave);
chat.onUnread = () => {
  const badge = find("#unread", HTMLElement);
  badge.hidden = chat.unread === 0;
  badge.textContent = String(chat.unread);
};

const arrivedAt = performance.now();
let leaving = false;
const cover = () => {
  scene.map.covered = side.isWide ? { right: 320, top: 64, bottom: 96 } : { top: 96, bottom: 80 };
  scene.map.resize();
};
addEventListener("resize", cover);
cover();
people.draw();
things.draw();
listen();
await act(() => scene.arrive());
document.body.dataset["ready"] = "yes";
new WalkingHint(find("#map", HTMLElement));

/** @param {Entity | null} entity */
function choose(entity) {
  panel.choose(entity);
  scene.choose(entity);
  if (entity) scene.show(entity);
}

/** What no panel hides of the map, with a margin, pixels. */
function free() {
  const margin = 70;
  const { width, height } = scene.map.camera;
  const { left = 0, right = 0, top = 0, bottom = 0 } = scene.map.covered;
  const sheet = find("#panel", HTMLElement).getBoundingClientRect();
  return {
    left: (side.isWide ? Math.max(left, sheet.right) : left) + margin,
    right: width - right - margin,
    top: top + margin,
    bottom: (side.isWide || sheet.height === 0 ? height - bottom : sheet.top) - margin,
  };
}

/** @param {{px: number, label: string}} bar */
function drawScale({ px, label }) {
  if (scale.textContent !== label) scale.textContent = label;
  scale.style.width = `${px.toFixed(1)}px`;
}

async function leave() {
  leaving = true;
  await room.leave();
  location.assign("/");
}

function crowdChanged() {
  people.draw();
  panel.draw();
  things.draw();
  strip.draw();
  scene.map.wake();
}

function listen() {
  const settled = () => performance.now() - arrivedAt > SETTLING_MS;
  room.on("peer-joined", ({ peer }) => {
    crowdChanged();
    if (settled() && !peer.self) chat.report(`${peer.name} came in`);
  });
  room.on("peer-away", ({ peer }) => {
    crowdChanged();
    if (settled()) chat.report(peer.away ? `${peer.name} lost the connection` : `${peer.name} is back`);
  });
  room.on("peer-left", ({ peer, reason }) => {
    crowdChanged();
    chat.report(reason === "kicked" ? `${peer.name} was shown out` : `${peer.name} left`);
  });
  room.on("spawned", () => things.draw());
  room.on("despawned", ({ entity }) => {
    asks.settle(entity.id);
    things.draw();
  });
  room.on("changed", ({ entity, what, cause, previous }) => {
    if (entity === panel.entity) panel.draw();
    things.draw();
    if (what !== "owner") return;
    asks.settle(entity.id);
    const concerned = [entity.owner, entity.master, previous].includes(room.peerId);
    if (entity.kind !== "avatar" && settled() && (concerned || room.entities.size < MANY)) chat.report(grantWords(cause, entity.isMine ? "You" : people.nameOf(entity.owner), `${entity.kind} ${entity.id}`));
  });
  room.on("state", () => panel.moved());
  room.on("ask", ({ ask }) => asks.add(ask));
  room.on("event", ({ from, name, payload }) => name === "chat" && chat.hear(from, people.nameOf(from), payload));
  room.on("rung", () => strip.draw());
  const lost = find("#reconnecting", HTMLElement);
  room.on("reconnecting", () => {
    lost.hidden = false;
    scene.walking.stop();
    asks.clear();
    strip.draw();
  });
  room.on("resumed", () => {
    lost.hidden = true;
    strip.draw();
    toasts.say("You are back.");
  });
  room.on("closed", ({ reason, message }) => {
    lost.hidden = true;
    strip.draw();
    if (!leaving) door.closed(reason, message, hosting.closed);
  });
}
