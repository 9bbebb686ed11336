import assert from "node:assert/strict";
import { test } from "node:test";

import { decodeControl } from "../../web/static/soiree/control.js";
import { SoireeError, WireError } from "../../web/static/soiree/errors.js";
import { MAX_UNAPPLIED_BYTES, MAX_UNAPPLIED_MESSAGES } from "../../web/static/soiree/limits.js";
import { ControlSession } from "../../web/static/soiree/session.js";
import { Random } from "./random.js";

const budget = (kbit) => ({ type: "budget", kbit_s: kbit });

/** Two sessions back to back over a connection that delivers in order and may die at any moment with what is under way. */
class Pair {
  constructor(random) {
    this.random = random;
    this.sides = [0, 1].map(() => ({ session: new ControlSession(), said: [], heard: [], wire: [] }));
  }

  say(i) {
    const side = this.sides[i];
    const value = side.said.length;
    side.session.send(budget(value));
    side.said.push(value);
  }

  /** Puts on the wire what is to go out, then delivers up to `count` messages to the other side. */
  move(i, count = Infinity) {
    const [from, to] = [this.sides[i], this.sides[1 - i]];
    from.wire.push(...from.session.takeOutgoing());
    for (const bytes of from.wire.splice(0, count)) {
      const { n, kbit_s: value } = decodeControl(bytes, "c");
      if (to.session.receive(n)) to.heard.push(value);
    }
  }

  /** A state frame from side i arrives: perhaps an old one. */
  acknowledge(i, low = this.sides[i].session.applied & 0xffff) {
    this.sides[1 - i].session.acknowledge(low);
  }

  cut() {
    for (const side of this.sides) {
      side.wire = [];
      side.session.detach();
    }
  }

  /** hello and welcome, of which either may be lost. */
  connect() {
    const [client, relay] = this.sides;
    relay.session.carry(client.session.applied);
    if (this.random.next() < 0.2) return this.cut();
    client.session.carry(relay.session.applied);
  }
}

for (const seed of [1, 2, 3, 4, 5, 6, 7, 8]) {
  test(`each message is applied exactly once and in order, whatever the connection does (seed ${seed})`, () => {
    const random = new Random(seed);
    const pair = new Pair(random);
    let cuts = 0;
    for (let step = 0; step < 4000; step++) {
      const i = random.integer(0, 1);
      const what = random.next();
      if (what < 0.4) pair.say(i);
      else if (what < 0.8) pair.move(i, random.integer(1, 4));
      else if (what < 0.9) pair.acknowledge(i);
      else if (what < 0.92) pair.acknowledge(i, (pair.sides[i].session.applied - random.integer(0, 50)) & 0xffff);
      else if (what < 0.96) pair.cut(), cuts++;
      else if (!pair.sides[0].session.carried) pair.connect();
    }
    while (!pair.sides.every(({ session }) => session.carried)) pair.connect();
    for (const i of [0, 1]) pair.move(i);
    assert.ok(cuts > 50);
    for (const i of [0, 1]) {
      assert.deepEqual(pair.sides[1 - i].heard, pair.sides[i].said);
      pair.acknowledge(1 - i);
      assert.equal(pair.sides[i].session.unapplied.length, 0);
      assert.equal(pair.sides[i].session.unappliedBytes, 0);
    }
  });
}

test("what waits goes out again before anything new", () => {
  const session = new ControlSession();
  session.send(budget(1));
  session.send(budget(2));
  assert.deepEqual(session.takeOutgoing(), []);
  session.carry(0);
  session.send(budget(3));
  assert.deepEqual(session.takeOutgoing().map((bytes) => decodeControl(bytes, "c").n), [1, 2, 3]);
  session.detach();
  session.carry(2);
  assert.deepEqual(session.takeOutgoing().map((bytes) => decodeControl(bytes, "c").n), [3]);
});

test("acknowledgements count on past 65536", () => {
  const session = new ControlSession();
  session.carry(0);
  for (let n = 1; n <= 70000; n++) {
    assert.equal(session.send(budget(0)), n);
    session.acknowledge(n & 0xffff);
  }
  assert.deepEqual([session.lastApplied, session.unapplied.length], [70000, 0]);
  session.acknowledge(0x7fff);
  assert.equal(session.lastApplied, 70000);
});

test("a repetition is dropped, a gap is an error", () => {
  const session = new ControlSession();
  assert.equal(session.receive(1), true);
  assert.equal(session.receive(1), false);
  assert.equal(session.repeated, 1);
  assert.throws(() => session.receive(3), (error) => error instanceof SoireeError && error.code === "protocol");
  assert.equal(session.applied, 1);
});

test("the other side cannot have applied what was never sent, nor forget what it had applied", () => {
  const session = new ControlSession();
  session.send(budget(1));
  assert.throws(() => session.carry(2), { code: "protocol" });
  session.carry(1);
  session.detach();
  assert.throws(() => session.carry(0), { code: "protocol" });
  session.acknowledge(500);
  assert.equal(session.lastApplied, 1);
});

test(`at most ${MAX_UNAPPLIED_MESSAGES} messages wait`, () => {
  const session = new ControlSession();
  for (let i = 0; i < MAX_UNAPPLIED_MESSAGES; i++) session.send(budget(0));
  assert.throws(() => session.send(budget(0)), { code: "backlog" });
  assert.equal(session.unapplied.length, MAX_UNAPPLIED_MESSAGES);
  session.acknowledge(1);
  assert.equal(session.send(budget(0)), MAX_UNAPPLIED_MESSAGES + 1);
});

test(`at most ${MAX_UNAPPLIED_BYTES} bytes wait`, () => {
  const session = new ControlSession();
  const large = { type: "send_event", name: "x", payload: "y".repeat(8000), to: 0, entity: 0, condition: null };
  assert.throws(() => {
    for (;;) session.send(large);
  }, { code: "backlog" });
  assert.ok(session.unappliedBytes <= MAX_UNAPPLIED_BYTES && session.unappliedBytes > MAX_UNAPPLIED_BYTES - 9000);
});

test("what cannot be encoded takes no number", () => {
  const session = new ControlSession();
  assert.throws(() => session.send({ type: "send_event", name: "", payload: null, to: 0, entity: 0 }), WireError);
  assert.throws(() => session.send({ type: "send_event", name: "big", payload: "x".repeat(20000), to: 0, entity: 0 }), WireError);
  assert.equal(session.send(budget(1)), 1);
});
