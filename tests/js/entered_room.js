import { once } from "node:events";
import { createServer } from "node:http";
import { afterEach } from "node:test";

import { join } from "../../web/static/soiree/index.js";
import { LoopbackRelay, LoopbackTransport } from "./loopback.js";
import { message } from "./relay_messages.js";

export const ME = 2;
const open = [];
afterEach(async () => {
  for (const close of open.splice(0)) await close();
});

/** Node 20 has no WebSocket: this one leads to a LoopbackRelay in the same process. */
class LoopbackSocket {
  static OPEN = 1;
  static relay = null;
  readyState = 1;
  bufferedAmount = 0;

  constructor(url) {
    this.end = new LoopbackTransport("websocket", (...args) => LoopbackSocket.relay.heard(...args)).open();
    this.end.onMessage = (stream, bytes) => this.onmessage({ data: Uint8Array.of(stream, ...bytes).buffer });
    this.end.onClose = (reason) => this.onclose({ code: { kicked: 4008, lost: 1006 }[reason] ?? 1000, reason });
    LoopbackSocket.relay.urls.push(url);
    setImmediate(() => this.onopen());
  }

  send(frame) {
    this.end.send(frame[0], frame.subarray(1));
  }

  close() {
    this.end.close();
  }
}
globalThis.WebSocket = LoopbackSocket;

/** A relay that answers commands by what the test says, and a room joined on it; a group is answered message by message. Left after the test. */
export async function enter(answers = {}, options = {}) {
  const relay = Object.assign(new LoopbackRelay(), { urls: [] });
  LoopbackSocket.relay = relay;
  const plain = relay.say.bind(relay);
  const say = (type, fields) => {
    const { n: _, ...rest } = message(type, fields);
    plain(rest);
  };
  relay.say = ({ re }) => {
    const command = relay.applied.at(-1);
    const answer = (one) => answers[one.type]?.(one) ?? ["done", {}];
    const whole = answers.group?.(command);
    if (command.type !== "group" || whole) {
      const [type, fields] = whole ?? answer(command);
      say(type, { ...fields, re });
      return;
    }
    const messages = command.messages.map((one) => {
      const [type, fields] = answer(one);
      return message(type, { ...fields, re });
    });
    say("group", { messages });
  };
  const server = createServer((request, response) => {
    request.resume();
    response.setHeader("content-type", "application/json");
    const { port } = server.address();
    response.end(JSON.stringify({
      peer_id: ME, session: "s", ticket: relay.hellos.length ? null : "ticket", resume: "resume", identity: "i", room: {}, host: true, ice_servers: [],
      transports: ["webrtc", "websocket"], data_url: `ws://127.0.0.1:${port}/ws`, signal_url: "ws://127.0.0.1/", answer: null, connection: null,
    }));
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const room = await join({ url: `http://127.0.0.1:${server.address().port}`, room: "code", name: "Ada", ...options });
  open.push(async () => {
    await room.leave();
    server.closeAllConnections();
    server.close();
  });
  return { relay, room, say };
}

