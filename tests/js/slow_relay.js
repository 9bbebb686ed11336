import { decodeControl, encodeControl } from "../../web/static/soiree/control.js";
import { SoireeError } from "../../web/static/soiree/errors.js";
import { ControlSession } from "../../web/static/soiree/session.js";
import { decodeFrame, encodePing, encodeState } from "../../web/static/soiree/state.js";
import { CONTROL, STATE, Transport } from "../../web/static/soiree/transports/transport.js";
import { welcome } from "./relay_messages.js";

/** A connection each step of which happens when the test says so, at each end by itself. */
export class Wire extends Transport {
  /** "waiting" until the relay is asked, "asked" until it has let it in, then "open", "closed" at the relay's end. */
  relayEnd = "waiting";
  token = null;
  /** When the relay let it in. */
  since = 0;
  attached = false;
  refused = false;
  toRelay = [];
  toClient = [];

  begin() {
    this.begun();
  }

  lose(reason, message = reason) {
    this.ended(reason, message);
  }

  send(stream, bytes) {
    if (this.state !== "open") return false;
    this.toRelay.push([stream, bytes]);
    return true;
  }

  get ready() {
    return this.state === "open";
  }

  async rung() {
    return this.kind === "websocket" ? "websocket" : "direct";
  }

  release() {
    this.toRelay.push("close");
  }
}

/** The server and the relay's end of one session, by the rules of relay/hosted.py and docs/PROTOCOL.md section 3. */
export class SlowRelay {
  session = null;
  present = false;
  current = null;
  began = -1;
  applied = [];
  faults = [];
  wires = [];
  kinds = ["webrtc", "websocket"];
  #stamp = 0;
  #frames = 0;
  #tickets = 0;
  #sessions = 0;
  #opened = new Set();

  /** The `admit` hook of a Link, with its Gate: the first to ask for a token is given the ticket. */
  gate() {
    let resume = null;
    return async () => {
      let ticket = null;
      if (resume === null || !this.#opened.has(resume)) {
        if (this.present) throw Object.assign(new SoireeError("session-gone", "gone"), { final: true });
        resume = ++this.#sessions;
        ticket = `ticket ${++this.#tickets}`;
      }
      const mine = resume;
      const token = () => {
        const given = { session: mine, ticket };
        ticket = null;
        return given;
      };
      return { kinds: this.kinds, why: "", make: (kind) => this.#make(kind, token) };
    };
  }

  #make(kind, token) {
    const wire = new Wire(kind);
    wire.takeToken = () => {
      wire.token = token();
      wire.relayEnd = "asked";
    };
    if (kind === "websocket") wire.takeToken();
    this.wires.push(wire);
    return wire;
  }

  /** What can happen now, each as [name, wire, function, what it is done with]. */
  possible() {
    const steps = [];
    for (const wire of this.wires) {
      const { relayEnd, state, kind, toRelay, toClient } = wire;
      const add = (name, act, what = name) => steps.push([name, wire, act, what]);
      if (relayEnd === "waiting" && state === "new") add("offer", () => wire.takeToken());
      if (relayEnd === "asked") add("accept", () => this.#accept(wire));
      const heard = relayEnd === "open" || (relayEnd === "closed" && kind === "websocket");
      if (heard && state === "new") add("open", () => wire.begin());
      if (relayEnd === "open" && toRelay.length) add("up", () => this.#heard(wire, toRelay.shift()), toRelay[0]);
      if (toClient.length && (state === "open" || toClient[0] === "refused")) add("down", () => this.#told(wire, toClient.shift()), toClient[0]);
    }
    return steps;
  }

  #accept(wire) {
    const { session, ticket } = wire.token;
    wire.since = ++this.#stamp;
    if (ticket) {
      this.#opened.add(session);
      this.#open(session);
    }
    if (this.open !== session) {
      wire.relayEnd = "closed";
      wire.toClient.push(wire.kind === "webrtc" ? "refused" : "session-gone");
    } else wire.relayEnd = "open";
  }

  #open(session) {
    if (this.present) this.faults.push("a second session, after the first was in the room");
    this.open = session;
    this.session = null;
    this.current = null;
    this.began = -1;
  }

  #told(wire, what) {
    if (typeof what === "string") wire.lose(what === "refused" ? "session-gone" : what);
    else wire.onMessage(...what);
  }

  #heard(wire, what) {
    if (what === "close") {
      wire.relayEnd = "closed";
      if (this.current === wire) this.current = null;
      return;
    }
    const [stream, bytes] = what;
    if (wire.token.session !== this.open || wire.refused) return;
    if (wire.attached) this.#take(stream, bytes);
    else if (stream === CONTROL) this.#hello(wire, decodeControl(bytes, "c"));
    else this.faults.push("state before hello");
  }

  #hello(wire, hello) {
    if (hello.type !== "hello") return void this.faults.push(`${hello.type} before hello`);
    if (hello.fresh && wire.since < this.began) return this.#refuse(wire, "superseded");
    const behind = !hello.fresh && (!this.present || hello.applied < this.session.lastApplied || hello.applied > this.session.lastSent);
    if (behind) return this.#refuse(wire, "protocol");
    if (this.current) this.#refuse(this.current, "superseded");
    if (hello.fresh) {
      if (this.applied.length) this.faults.push("begun anew, after commands");
      this.session = new ControlSession();
      this.began = ++this.#stamp;
      this.present = true;
    }
    this.current = wire;
    wire.attached = true;
    this.#say(welcome({ applied: this.session.applied, fresh: hello.fresh }));
    this.session.detach();
    this.session.carry(hello.applied);
    if (hello.fresh) this.session.send({ type: "peer_joined", peer: 2, name: "Ada", away: false });
    this.#flush();
  }

  #refuse(wire, code) {
    Object.assign(wire, { attached: false, refused: true });
    if (this.current === wire) this.current = null;
    wire.toClient.push([CONTROL, encodeControl({ type: "error", n: 0, code, message: code })], code);
  }

  #take(stream, bytes) {
    if (stream === STATE) {
      const frame = decodeFrame(bytes);
      if (frame.type === 1) this.session.acknowledge(frame.controlApplied);
      return;
    }
    const message = decodeControl(bytes, "c");
    if (message.type === "hello") this.faults.push("hello twice");
    else if (this.session.receive(message.n)) {
      this.applied.push(message);
      this.session.send({ type: "done", re: message.n });
      this.#flush();
    }
  }

  #say(message) {
    this.current.toClient.push([CONTROL, encodeControl(message)]);
  }

  #flush() {
    for (const bytes of this.session.takeOutgoing()) this.current?.toClient.push([CONTROL, bytes]);
  }

  /** Signs of life, and how far it has come. @param {number} nowMs */
  speak(nowMs) {
    if (!this.current) return;
    const state = { seq: this.#frames++ & 0xffff, tick: 100, base: { cx: 0, cz: 0, y: 0 }, ack: null, controlApplied: this.session.applied & 0xffff };
    this.current.toClient.push([STATE, encodePing({ seq: 0, tick: 100, relayUs: nowMs * 1000, rttUs: 0 })], [STATE, encodeState(state, [])]);
  }

  /** The network breaks a connection; its ends notice one after the other, or only one of them. */
  breakOff(wire, ends) {
    if (ends !== "relay" && wire.state !== "closed") wire.lose("lost");
    if (ends !== "client") {
      wire.relayEnd = "closed";
      if (this.current === wire) this.current = null;
    }
  }
}
