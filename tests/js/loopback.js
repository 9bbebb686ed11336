import { decodeControl, encodeControl } from "../../web/static/soiree/control.js";
import { SoireeError } from "../../web/static/soiree/errors.js";
import { Replication } from "../../web/static/soiree/replication.js";
import { ControlSession } from "../../web/static/soiree/session.js";
import { decodeFrame } from "../../web/static/soiree/state.js";
import { CONTROL, STATE, Transport } from "../../web/static/soiree/transports/transport.js";
import { welcome } from "./relay_messages.js";

/** A transport whose other end is a function in this process. Messages arrive in order, each in a task of its own, as from a socket. */
export class LoopbackTransport extends Transport {
  constructor(kind, heard) {
    super(kind);
    this.heard = heard;
    this.blocked = false;
  }

  open() {
    this.begun();
    return this;
  }

  refuse(reason, message = reason) {
    this.ended(reason, message);
  }

  send(stream, bytes) {
    if (this.state !== "open" || this.blocked) return false;
    setImmediate(() => this.state === "open" && this.heard(this, stream, bytes));
    return true;
  }

  deliver(stream, bytes) {
    setImmediate(() => this.state === "open" && this.onMessage(stream, bytes));
  }

  get ready() {
    return this.state === "open" && !this.blocked;
  }

  async rung() {
    return this.kind === "websocket" ? "websocket" : "direct";
  }
}

/** The relay's side of one session: the same ControlSession, the other way round. */
export class LoopbackRelay {
  constructor() {
    this.session = new ControlSession();
    this.replication = new Replication();
    this.hellos = [];
    this.applied = [];
    this.frames = [];
    this.unexpected = [];
    this.gone = false;
    this.current = null;
    this.made = [];
    this.autoOpen = true;
    this.hangsUp = true;
    this.kinds = ["webrtc", "websocket"];
  }

  /** The `admit` hook of a Link. */
  admit = async () => {
    if (this.gone) throw Object.assign(new SoireeError("session-gone", "gone"), { final: true });
    return { kinds: this.kinds, why: "", make: (kind) => this.make(kind) };
  };

  make(kind) {
    const transport = new LoopbackTransport(kind, (...args) => this.heard(...args));
    this.made.push(transport);
    if (this.autoOpen) queueMicrotask(() => transport.open());
    return transport;
  }

  heard(transport, stream, bytes) {
    if (stream === STATE) {
      if (transport !== this.current) return void this.unexpected.push("state");
      const frame = decodeFrame(bytes);
      this.frames.push(frame);
      if (frame.type === 1) this.session.acknowledge(frame.controlApplied);
      return;
    }
    const message = decodeControl(bytes, "c");
    if (message.type === "hello") this.hello(transport, message);
    else if (transport !== this.current) this.unexpected.push(message.type);
    else if (message.type === "bye") {
      this.bye = message.reason;
      if (this.hangsUp) transport.refuse("bye");
    }
    else if (this.session.receive(message.n)) {
      this.applied.push(message);
      this.say({ type: "done", re: message.n });
    }
  }

  hello(transport, message) {
    this.hellos.push(message);
    const former = this.current;
    this.current = transport;
    if (former && former !== transport && former.state === "open") former.refuse("superseded");
    if (message.fresh) this.session = new ControlSession();
    transport.deliver(CONTROL, encodeControl(welcome({ applied: this.session.applied, fresh: message.fresh })));
    this.session.detach();
    this.session.carry(message.applied);
    this.flush();
  }

  say(message) {
    this.session.send(message);
    this.flush();
  }

  flush() {
    for (const bytes of this.session.takeOutgoing()) this.current.deliver(CONTROL, bytes);
  }

  tellState(bytes) {
    this.current.deliver(STATE, bytes);
  }

  /** The network breaks: what is under way on the current transport is lost. */
  cut(reason = "lost") {
    const { current } = this;
    this.session.detach();
    current.refuse(reason);
  }
}
