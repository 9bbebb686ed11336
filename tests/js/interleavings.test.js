import assert from "node:assert/strict";
import { test } from "node:test";

import { Link } from "../../web/static/soiree/link.js";
import { Random } from "./random.js";
import { SlowRelay } from "./slow_relay.js";

/** Real turns of the loop, while timers are the test's. */
const { setImmediate: turnOf } = globalThis;
const turn = () => new Promise((resolve) => turnOf(resolve));

/** A link and a slow relay under a clock of their own. */
function stage(t, seed) {
  const random = new Random(seed);
  let nowMs = 1000;
  t.mock.timers.enable({ apis: ["setTimeout", "setInterval"] });
  t.mock.method(performance, "now", () => nowMs);
  t.mock.method(Math, "random", () => random.next());
  const relay = new SlowRelay();
  const told = [];
  const log = [];
  const tell = (name) => (...details) => told.push([name, ...details]);
  const hooks = Object.fromEntries(["onWelcome", "onMessage", "onState", "onData", "onLost", "onClosed", "onRung"].map((name) => [name, tell(name)]));
  const link = new Link({ admit: relay.gate(), ...hooks }, 20);
  let pingAtMs = 0;
  const pass = async (ms) => {
    for (let left = ms; left > 0; left -= 25) {
      const step = Math.min(25, left);
      nowMs += step;
      t.mock.timers.tick(step);
      if (nowMs >= pingAtMs) {
        pingAtMs = nowMs + 1000;
        relay.speak(nowMs);
      }
    }
    await turn();
  };
  return { random, relay, link, told, log, pass, of: (type) => told.filter(([name]) => name === type) };
}

/** When a step that has become possible may happen: each kind of step has a slowness of its own in each run. */
function slowness(random, udp) {
  const scaleMs = Object.fromEntries(["offer", "accept", "open", "up", "down"].map((name) => [name, random.pick([0, 30, 300, 1500, 1500, 3000])]));
  const due = new WeakMap();
  return (nowMs) => ([name, wire, , what]) => {
    if (!udp && wire.kind === "webrtc" && name === "open") return false;
    const steps = due.get(wire) ?? new Map();
    due.set(wire, steps);
    // Of messages every fourth is late, and all behind it.
    const late = (name !== "up" && name !== "down") || random.next() < 0.25;
    if (!steps.has(what)) steps.set(what, nowMs + (late ? random.next() * scaleMs[name] : 0));
    return steps.get(what) <= nowMs;
  };
}

/** Lets things happen in any order for a while; then all goes well, and everything must come right by itself. */
async function live(t, seed, { faults, seconds }) {
  const s = stage(t, seed);
  const { random, relay, link, log, of, pass } = s;
  const udp = random.next() < 0.8;
  const ripe = slowness(random, udp);
  let commands = 0;
  const commandWhenIn = () => {
    if (!of("onWelcome").length || of("onClosed").length) return;
    link.send({ type: "budget", kbit_s: commands++ });
  };
  const act = async ([name, wire, step], spent) => {
    log.push(`${spent} ${name} ${wire.kind}${relay.wires.indexOf(wire)}`);
    step();
    await turn();
  };
  link.start();
  await turn();
  for (let spent = 0; spent < 1000 * seconds && !of("onClosed").length; spent += 10) {
    for (let steps; (steps = relay.possible().filter(ripe(spent))).length;) {
      await act(random.pick(steps), spent);
      if (commands === 0 || random.next() < 0.1) commandWhenIn();
    }
    if (random.next() < faults) {
      const wire = random.pick(relay.wires);
      const ends = random.pick(["client", "relay", "both"]);
      log.push(`${spent} break ${wire.kind}${relay.wires.indexOf(wire)} ${ends}`);
      relay.breakOff(wire, ends);
      await turn();
    }
    await pass(10);
  }
  const entered = of("onWelcome").length > 0;
  for (let spent = 0; spent < 80_000 && !of("onClosed").length; spent += 25) {
    for (let steps; (steps = relay.possible().filter(([name, { kind }]) => udp || kind !== "webrtc" || name !== "open")).length;) await act(steps[0], `well ${spent}`);
    await pass(25);
    if (spent === 40_000) commandWhenIn();
  }
  return { ...s, entered, udp, commands };
}

/** What must hold once all goes well. */
function inOrder({ relay, link, of, commands, udp }) {
  assert.deepEqual(of("onClosed"), []);
  assert.deepEqual(relay.faults, []);
  assert.ok(link.connected, "connected");
  assert.equal(link.transport, relay.current, "both ends stand on the same connection");
  assert.equal(link.rung, udp ? "direct" : "websocket");
  assert.deepEqual(relay.wires.filter((wire) => wire.state === "open"), [link.transport], "no other is open");
  assert.deepEqual(relay.applied.map(({ kbit_s: kbit }) => kbit), Array.from({ length: commands }, (_, i) => i));
  assert.deepEqual(of("onMessage").map(([, { re }]) => re).filter(Boolean), Array.from({ length: commands }, (_, i) => i + 1));
  assert.equal(link.session.unapplied.length, 0);
}

/** Of each kind; with more of them one may look further. */
const SEEDS = Number(process.env.SEEDS ?? 60);

for (const [name, options] of [["slow in every order", { faults: 0, seconds: 8 }], ["slow, and connections break", { faults: 0.005, seconds: 12 }]]) {
  test(`${name}: never stuck, never double`, async (t) => {
    let refused = 0;
    for (let seed = 1; seed <= SEEDS; seed++) {
      await t.test(`seed ${seed}`, async (t) => {
        const outcome = await live(t, seed, options);
        try {
          if (!outcome.entered && outcome.of("onClosed").length && options.faults) refused++;
          else inOrder(outcome);
        } catch (error) {
          throw new Error(`${error.message}\n${outcome.log.join("\n")}`, { cause: error });
        }
      });
    }
    assert.ok(refused < SEEDS / 4, `${refused} of ${SEEDS} joins came to nothing`);
  });
}
