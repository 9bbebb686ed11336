import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { test } from "node:test";

import { JoinError } from "../../web/static/soiree/errors.js";
import { Gate } from "../../web/static/soiree/gate.js";
import { join } from "../../web/static/soiree/index.js";

/** A Storage as browsers have it, as far as it is used. */
class Store extends Map {
  getItem(key) {
    return this.get(key) ?? null;
  }

  setItem(key, value) {
    this.set(key, value);
  }

  removeItem(key) {
    this.delete(key);
  }
}

const ADMISSION = {
  peer_id: 7, session: "s", ticket: "t", resume: "r1", identity: "i1", room: { id: "id", code: "code", name: "Room" }, host: false, ice_servers: [],
  transports: ["webrtc", "websocket"], data_url: "ws://127.0.0.1:9/ws", signal_url: "ws://127.0.0.1:9/signal", answer: null, connection: null,
};
const refusal = (status, code) => [status, { error: { code, message: `no: ${code}`, field: "name" } }];

/** A server that gives the answers it is told to, one after the other, and keeps what it was asked. */
async function serve(t, ...answers) {
  const asked = [];
  const server = createServer(async (request, response) => {
    let body = "";
    for await (const chunk of request) body += chunk;
    asked.push({ path: request.url, authorization: request.headers.authorization, ...JSON.parse(body) });
    const [status, answer] = answers.shift() ?? [200, ADMISSION];
    response.writeHead(status, { "content-type": "application/json" }).end(typeof answer === "string" ? answer : JSON.stringify(answer));
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => server.close());
  return { url: `http://127.0.0.1:${server.address().port}`, asked };
}

test("what is given is asked, and the relay's transports taken as far as they work here", async (t) => {
  const { url, asked } = await serve(t);
  const gate = new Gate({ url, room: "a/b", name: "Ada", password: "pw", hostKey: "key" });
  const { kinds, why } = await gate.admit();
  assert.match(why, /no WebRTC in this browser/);
  assert.deepEqual(asked, [{ path: "/api/v1/rooms/a%2Fb/join", authorization: "Bearer key", name: "Ada", password: "pw" }]);
  assert.deepEqual(kinds, ["websocket"]);
  assert.equal(gate.admission.peer_id, 7);
});

test("a refusal says code, words, status and field, and is final", async (t) => {
  const { url } = await serve(t, refusal(403, "wrong-password"));
  const gate = new Gate({ url, room: "r", name: "Ada" });
  await assert.rejects(gate.admit(), (error) => {
    assert.ok(error instanceof JoinError);
    assert.deepEqual([error.code, error.message, error.status, error.field, error.final], ["wrong-password", "no: wrong-password", 403, "name", true]);
    return true;
  });
});

test("a server that is busy, broken or away is worth another try", async (t) => {
  const { url } = await serve(t, refusal(429, "rate"), refusal(503, "busy"), [502, "<html>bad gateway"]);
  const gate = new Gate({ url, room: "r", name: "Ada" });
  for (const code of ["rate", "busy", "unreachable"]) await assert.rejects(gate.admit(), (error) => error.code === code && !error.final);
  const nowhere = new Gate({ url: "http://127.0.0.1:9", room: "r", name: "Ada" });
  await assert.rejects(nowhere.admit(), (error) => error.code === "unreachable" && !error.final);
});

test("a reloaded page asks for its session, and gets a new one when that is gone", async (t) => {
  const storage = new Store();
  const identityStorage = new Store();
  const { url, asked } = await serve(t, [200, ADMISSION], [200, { ...ADMISSION, ticket: null, resume: "r2" }], refusal(410, "session-gone"), [200, ADMISSION]);
  const options = { url, room: "r", name: "Ada", storage, identityStorage };
  for (let reload = 0; reload < 3; reload++) await new Gate(options).admit();
  assert.deepEqual(asked.map(({ resume, identity }) => [resume, identity]), [[undefined, undefined], ["r1", "i1"], ["r2", "i1"], [undefined, "i1"]]);
  new Gate(options).forget();
  assert.equal(storage.size, 0);
  assert.equal(identityStorage.size, 1);
});

test("once inside, a session that is gone is final", async (t) => {
  const { url, asked } = await serve(t, [200, ADMISSION], refusal(410, "session-gone"));
  const gate = new Gate({ url, room: "r", name: "Ada" });
  await gate.admit();
  gate.entered = true;
  await assert.rejects(gate.admit(), { code: "session-gone", final: true });
  assert.equal(asked[1].resume, "r1");
});

test("a storage that throws is gone without", async (t) => {
  const { url } = await serve(t);
  const forbidden = () => {
    throw new Error("denied");
  };
  const storage = { getItem: forbidden, setItem: forbidden, removeItem: forbidden };
  await new Gate({ url, room: "r", name: "Ada", storage, identityStorage: storage }).admit();
});

test("join() tells what the server said", async (t) => {
  const { url } = await serve(t, refusal(404, "unknown-room"));
  await assert.rejects(join({ url, room: "r", name: "Ada" }), (error) => error instanceof JoinError && error.code === "unknown-room" && error.status === 404);
  await assert.rejects(join({ room: "r", name: "Ada" }), { code: "url" });
});

test("WebRTC that begins late asks for servers whose credentials have not lapsed", async (t) => {
  const given = [];
  const ice = (credential) => [{ urls: ["turn:a"], username: "u", credential }];
  globalThis.RTCPeerConnection = class {
    createDataChannel() {
      return {};
    }
    setConfiguration({ iceServers }) {
      given.push(iceServers[0]?.credential);
    }
    async createOffer() {}
    async setLocalDescription() {}
    close() {}
  };
  const { WebSocket } = globalThis;
  globalThis.WebSocket = class {
    close() {}
  };
  t.after(() => {
    delete globalThis.RTCPeerConnection;
    globalThis.WebSocket = WebSocket;
  });
  let nowMs = 0;
  t.mock.method(performance, "now", () => nowMs);
  const first = { ...ADMISSION, ice_servers: ice("first") };
  const renewed = { ...ADMISSION, ticket: null, ice_servers: ice("renewed") };
  const { url, asked } = await serve(t, [200, first], [200, renewed], [503, {}]);
  const { make } = await new Gate({ url, room: "r", name: "Ada" }).admit();
  for (const [atMs, expected] of [[0, "first"], [59000, "first"], [61000, "renewed"], [200000, "renewed"]]) {
    nowMs = atMs;
    const transport = make("webrtc");
    const before = given.length;
    while (given.length === before) await new Promise((resolve) => setTimeout(resolve, 5));
    transport.close();
    assert.equal(given.at(-1), expected);
  }
  assert.deepEqual(asked.map(({ resume }) => resume), [undefined, "r1", "r1"]);
});
