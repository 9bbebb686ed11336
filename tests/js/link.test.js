import assert from "node:assert/strict";
import { afterEach, test } from "node:test";

import { RelayClock } from "../../web/static/soiree/clock.js";
import { encodeControl } from "../../web/static/soiree/control.js";
import { Link } from "../../web/static/soiree/link.js";
import { Replication } from "../../web/static/soiree/replication.js";
import { MOVE } from "../../web/static/soiree/sections.js";
import { decodeFrame, encodePing, encodeState, PONG, STATE as STATE_FRAME } from "../../web/static/soiree/state.js";
import { CONTROL, STATE } from "../../web/static/soiree/transports/transport.js";
import { LoopbackRelay } from "./loopback.js";
import { Random } from "./random.js";
import { transform, welcome } from "./relay_messages.js";

const links = [];
afterEach(() => links.splice(0).forEach((link) => link.bye("test over")));

/** A link to a loopback relay, and what it told. */
function open({ relay = new LoopbackRelay(), sendHz = 20, start = true } = {}) {
  const told = [];
  const waiting = [];
  const tell = (type) => (...details) => {
    told.push([type, ...details]);
    for (const waiter of waiting.splice(0)) waiter();
  };
  const hooks = Object.fromEntries(["onWelcome", "onMessage", "onState", "onData", "onLost", "onClosed", "onRung"].map((name) => [name, tell(name)]));
  const link = new Link({ admit: relay.admit, ...hooks }, sendHz);
  links.push(link);
  if (start) link.start();
  const of = (type) => told.filter(([name]) => name === type);
  /** Waits until it was told `count` times. */
  const until = async (type, count = 1) => {
    while (of(type).length < count) await new Promise((resolve) => waiting.push(resolve));
    return of(type)[count - 1];
  };
  return { relay, link, told, of, until };
}

const budget = (kbit) => ({ type: "budget", kbit_s: kbit });
const emptyState = (controlApplied = 0) => encodeState({ seq: 0, tick: 100, base: { cx: 0, cz: 0, y: 0 }, ack: null, controlApplied }, []);
/** Until `condition` holds: with messages as tasks, a few turns of the loop. */
const settle = async (condition) => {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
};

test("hello is fresh and first; what was said before the welcome follows it", async () => {
  const { relay, link, until, of } = open();
  link.send(budget(1));
  link.send(budget(2));
  await until("onMessage", 2);
  assert.deepEqual(relay.hellos.map(({ fresh, applied, n }) => [fresh, applied, n]), [[true, 0, 0]]);
  assert.deepEqual(relay.applied.map(({ kbit_s: kbit }) => kbit), [1, 2]);
  assert.deepEqual(relay.unexpected, []);
  assert.deepEqual(of("onWelcome")[0][2], false);
});

for (const seed of [1, 2, 3]) {
  test(`1000 commands and 1000 messages, once and in order, while connections die (seed ${seed})`, async () => {
    const random = new Random(seed);
    const { relay, link, until, of } = open();
    await until("onWelcome");
    let said = 0;
    let cuts = 0;
    for (let i = 0; i < 1000; i++) {
      link.send(budget(i));
      if (relay.session.carried && relay.current.state === "open") relay.say({ type: "done", re: 1_000_000 + said++ });
      if (random.next() < 0.004 && cuts < 4 && link.connected) {
        relay.cut(), cuts++;
        for (let turn = random.integer(0, 5); turn > 0; turn--) await new Promise((resolve) => setImmediate(resolve));
      }
      if (random.next() < 0.1) await new Promise((resolve) => setImmediate(resolve));
    }
    await settle(() => relay.applied.length >= 1000 && of("onMessage").length >= 1000 + said);
    assert.ok(cuts > 0);
    assert.deepEqual(relay.applied.map(({ kbit_s: kbit }) => kbit), Array.from({ length: 1000 }, (_, i) => i));
    const heard = of("onMessage").map(([, { re }]) => re);
    assert.deepEqual(heard.filter((re) => re < 1_000_000), Array.from({ length: 1000 }, (_, i) => i + 1));
    assert.deepEqual(heard.filter((re) => re >= 1_000_000), Array.from({ length: said }, (_, i) => 1_000_000 + i));
    assert.ok(relay.hellos.slice(1).every(({ fresh }) => !fresh));
    assert.equal(of("onWelcome").length, of("onLost").length + 1);
  });
}

test("a better transport takes over in mid-stream, and nobody hears of a loss", async () => {
  const relay = new LoopbackRelay();
  relay.autoOpen = false;
  const { link, until, of } = open({ relay });
  await settle(() => relay.made.length === 1);
  const [webrtc] = relay.made;
  await settle(() => relay.made.length === 2);
  relay.made[1].open();
  assert.equal((await until("onRung"))[1], "websocket");
  assert.match(of("onRung")[0][2], /1.5 s/);
  for (let i = 0; i < 500; i++) link.send(budget(i));
  webrtc.open();
  for (let i = 500; i < 1000; i++) link.send(budget(i));
  await settle(() => relay.applied.length === 1000 && of("onMessage").length === 1000);
  assert.deepEqual(relay.applied.map(({ kbit_s: kbit }) => kbit), Array.from({ length: 1000 }, (_, i) => i));
  assert.deepEqual([(await until("onRung", 2))[1], of("onLost").length, of("onClosed").length], ["direct", 0, 0]);
  assert.equal(relay.made[1].state, "closed");
});

test("ping is answered at once, without a timer", async () => {
  const { relay, until } = open({ sendHz: 0.001 });
  await until("onWelcome");
  relay.tellState(encodePing({ seq: 7, tick: 6000, relayUs: 5e6, rttUs: 30000 }));
  await settle(() => relay.frames.some(({ type }) => type === PONG));
  const pong = relay.frames.find(({ type }) => type === PONG);
  assert.deepEqual([pong.seq, pong.relayUs], [7, 5e6]);
});

test("what has come is acknowledged with the next message, however slow the timers are", async () => {
  const { relay, link, until } = open({ sendHz: 0.001 });
  await until("onWelcome");
  relay.say({ type: "done", re: 1 });
  const soon = performance.now() + 30;
  while (performance.now() < soon) await new Promise((resolve) => setImmediate(resolve));
  relay.tellState(emptyState());
  await settle(() => relay.frames.some((frame) => frame.type === STATE_FRAME && frame.controlApplied === 1 && frame.ack));
  assert.equal(relay.session.unapplied.length, 0);
  assert.equal(link.received.received, 1);
});

test("state goes up, and again until it is acknowledged", async () => {
  const { relay, link, until } = open();
  await until("onWelcome");
  link.setState(transform(9, 4));
  const told = () => relay.frames.filter(({ records }) => records?.length);
  await settle(() => told().length === 3);
  assert.ok(told().every(({ records }) => records[0].position[0] === 4));
  const ack = { seq: told()[2].seq, mask: 0 };
  relay.tellState(encodeState({ seq: 0, tick: 100, base: { cx: 0, cz: 0, y: 0 }, ack, controlApplied: 0 }, []));
  await settle(() => link.replication.settled);
});

test("an idle client sends an empty frame five times a second", async () => {
  const { relay, until } = open();
  await until("onWelcome");
  const begin = performance.now();
  await settle(() => relay.frames.length === 5);
  const seconds = (performance.now() - begin) / 1000;
  assert.ok(seconds > 0.7 && seconds < 1.6, `${seconds} s`);
});

test("no state goes into a transport that is full", async () => {
  const { relay, link, until } = open();
  await until("onWelcome");
  relay.current.blocked = true;
  link.setState(transform(9, 4));
  const sequence = link.replication.seq;
  await new Promise((resolve) => setTimeout(resolve, 120));
  assert.equal(link.replication.seq, sequence);
  relay.current.blocked = false;
  await settle(() => relay.frames.some(({ records }) => records?.length));
});

for (const reason of ["kicked", "superseded", "closed", "session-gone", "backlog"]) {
  test(`after ${reason} it is over`, async () => {
    const { relay, link, until, of } = open();
    await until("onWelcome");
    relay.cut(reason);
    assert.equal((await until("onClosed"))[1], reason);
    assert.throws(() => link.send(budget(1)), { code: "closed" });
    assert.equal(relay.hellos.length, 1);
    assert.equal(of("onLost").length, 0);
  });
}

test("a hello given up that arrives after all is come back from", async () => {
  const relay = new LoopbackRelay();
  const answer = relay.hello.bind(relay);
  relay.hello = (transport, message) => transport.kind === "websocket" && answer(transport, message);
  const { until, of } = open({ relay });
  await until("onWelcome");
  assert.equal(relay.made.length, 2);
  relay.cut("superseded");
  relay.hello = answer;
  await until("onWelcome", 2);
  assert.deepEqual([of("onLost").length, of("onClosed").length, relay.hellos.at(-1).fresh], [1, 0, false]);
});

test("a welcome that cannot be is the end: it would come again and again", async () => {
  const { relay, link, until } = open();
  await until("onWelcome");
  link.send(budget(1));
  await until("onMessage");
  relay.tellState(emptyState(1));
  await settle(() => link.session.lastApplied === 1);
  relay.hello = (transport) => transport.deliver(CONTROL, encodeControl(welcome({ applied: 0, fresh: false })));
  relay.cut();
  assert.equal((await until("onClosed"))[1], "protocol");
});

test("an error said on the control stream ends the connection with its reason", async () => {
  const { relay, until } = open();
  await until("onWelcome");
  relay.current.deliver(CONTROL, encodeControl({ type: "error", n: 0, code: "kicked", message: "Out." }));
  assert.deepEqual((await until("onClosed")).slice(1), ["kicked", "Out."]);
});

test("a session that is gone when we come back is closed", async () => {
  const { relay, until } = open();
  await until("onWelcome");
  relay.gone = true;
  relay.cut();
  await until("onLost");
  assert.equal((await until("onClosed"))[1], "session-gone");
});

test("a gap in the numbers, or what cannot be read, is survived by a new connection or ends with a reason", async () => {
  const { relay, until } = open();
  await until("onWelcome");
  relay.current.deliver(CONTROL, encodeControl({ type: "done", n: 5, re: 0 }));
  assert.equal((await until("onLost"))[1], "protocol");
  await until("onWelcome", 2);
  relay.current.deliver(CONTROL, Uint8Array.of(0xc1));
  assert.equal((await until("onClosed"))[1], "malformed");
});

test("rubbish on the state stream is counted and changes nothing", async () => {
  const { relay, link, until, of } = open();
  await until("onWelcome");
  for (let i = 0; i < 5; i++) relay.tellState(Uint8Array.of(9, i));
  relay.tellState(emptyState());
  await settle(() => link.received.received === 1);
  assert.deepEqual([link.malformed, of("onLost").length], [5, 0]);
});

test("state before the welcome is not taken", async () => {
  const relay = new LoopbackRelay();
  relay.hello = (transport) => {
    transport.deliver(STATE, emptyState());
    transport.deliver(CONTROL, encodeControl(welcome()));
  };
  const { link, until } = open({ relay });
  await until("onWelcome");
  assert.equal(link.received.received, 0);
});

test("another major version ends it", async () => {
  const relay = new LoopbackRelay();
  relay.hello = (transport) => transport.deliver(CONTROL, encodeControl(welcome({ version: [2, 0] })));
  const { until } = open({ relay });
  assert.equal((await until("onClosed"))[1], "version");
});

test("bye says so, and closes", async () => {
  const { relay, link, until } = open();
  await until("onWelcome");
  link.send(budget(3));
  await link.bye("leave");
  assert.deepEqual([relay.bye, relay.applied.length], ["leave", 1]);
  assert.equal((await until("onClosed"))[1], "bye");
});

test("the connection stays until the relay has heard the bye, however long it is on its way", async () => {
  const { relay, link, until } = open();
  await until("onWelcome");
  const { heard } = relay.current;
  relay.current.heard = (transport, ...message) => setTimeout(() => transport.state === "open" && heard(transport, ...message), 200);
  link.send(budget(3));
  const begin = performance.now();
  await link.bye("leave");
  assert.deepEqual([relay.bye, relay.applied.length], ["leave", 1]);
  assert.ok(performance.now() - begin < 900, "the relay hung up, so nothing was waited for");
  assert.deepEqual((await until("onClosed")).slice(1), ["bye", "left"]);
});

test("who leaves between two connections says bye on the next", async () => {
  const { relay, link, until, of } = open();
  await until("onWelcome");
  relay.cut();
  assert.equal(link.connected, false);
  await link.bye("leave");
  assert.deepEqual([relay.bye, relay.hellos.length], ["leave", 2]);
  assert.deepEqual(of("onClosed").map(([, ...why]) => why), [["bye", "left"]]);
});

test("who leaves where no connection comes up is kept for a second, and not at all once it is over", async () => {
  const { relay, link, until, of } = open();
  await until("onWelcome");
  relay.autoOpen = false;
  relay.cut();
  const begin = performance.now();
  await link.bye("leave");
  const seconds = (performance.now() - begin) / 1000;
  assert.ok(seconds > 0.9 && seconds < 1.6, `${seconds} s`);
  assert.deepEqual([relay.bye, of("onClosed").length], [undefined, 1]);
  await link.bye("again");
  assert.ok(performance.now() - begin < 1000 * seconds + 500);
});

test("a relay that does not hang up is not waited for longer than a second", async () => {
  const { relay, link, until, of } = open();
  await until("onWelcome");
  relay.hangsUp = false;
  const left = link.bye("leave");
  await settle(() => relay.bye);
  assert.equal(of("onClosed").length, 0);
  await left;
  assert.deepEqual([of("onClosed").length, relay.current.state, of("onLost").length], [1, "closed", 0]);
});

test("samples taken just as the tick changes are dated evenly, whenever the frame goes out", () => {
  const clock = new RelayClock();
  clock.onWelcome(1000, 0);
  for (const phase of [0.02, 0.5, 0.98]) {
    const random = new Random(7);
    const replication = new Replication();
    const behind = new Set();
    for (let i = 0; i < 300; i++) {
      // A picture at 60 Hz, a little late or early; sent at once, or up to 20 ms later.
      const taken = (i + phase + 0.1 * random.next()) / 60 + 1;
      replication.set(transform(9, i, { section: MOVE, velocity: [30, 0, 0] }), clock.date(taken));
      const sent = Math.floor(clock.tickAt(taken + (i % 3 ? 0.02 : 0.001) * random.next()));
      const [bytes] = replication.frames({ now: taken, tick: sent, rttS: 0.03, ack: null, controlApplied: 0 });
      const { tick, records } = decodeFrame(bytes);
      assert.ok(tick <= sent);
      if (i > 2) behind.add(i + 1060 - (tick - records[0].age));
    }
    assert.equal(behind.size, 1, `${phase}: ${[...behind]}`);
  }
});

test("when nothing opens, three attempts are made and the last error told", async () => {
  const relay = new LoopbackRelay();
  relay.autoOpen = false;
  relay.make = (kind) => {
    const transport = Object.getPrototypeOf(relay).make.call(relay, kind);
    queueMicrotask(() => transport.refuse("unavailable", `${kind} is down`));
    return transport;
  };
  const { until } = open({ relay });
  assert.deepEqual((await until("onClosed")).slice(1), ["unavailable", "websocket is down"]);
  assert.equal(relay.made.length, 6);
});
