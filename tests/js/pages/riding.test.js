import assert from "node:assert/strict";
import { test } from "node:test";

import { REACH_M, Riding, TOP_SPEED_M_S } from "../../../web/static/room/riding.js";
import { World } from "../../../web/static/soiree/world.js";
import { CHILD, UPRIGHT } from "../../../web/static/soiree/sections.js";
import { message, placed } from "../relay_messages.js";

const ME = 2;
const OTHER = 3;

/** One's avatar at the origin and a vehicle with a cabin, `away` metres to the east. */
function street(away = 2, vehicle = {}) {
  const commands = [];
  const host = { peerId: ME, relaySecondsAt: () => 100, setState: () => {}, command: async (command) => void commands.push(command) };
  const world = new World(() => {}, host);
  Object.defineProperty(host, "entities", { get: () => world.entities });
  world.peerId = ME;
  const say = (type, fields) => world.apply(message(type, fields));
  say("spawned", { entity: 5, kind: "avatar", owner: ME, master: ME, state: placed(0, { section: UPRIGHT }) });
  say("spawned", { entity: 7, kind: "vehicle", owner: OTHER, master: OTHER, rule: "allow", state: placed(away, { section: UPRIGHT }), ...vehicle });
  say("spawned", { entity: 8, kind: "cabin", owner: OTHER, master: OTHER, parent: 7, state: placed(0, { section: CHILD }) });
  const riding = new Riding();
  riding.avatar = world.entities.get(5);
  const sit = (attach = 1) => say("parent_set", { entity: 5, parent: 8, attach, state: placed(0, { section: CHILD }) });
  return { riding, world, commands, say, sit, nearby: () => riding.nearby(world.entities.values())?.id ?? null };
}

test("what may be got into is what is near and lets one", () => {
  assert.equal(street(REACH_M - 0.1).nearby(), 8);
  assert.equal(street(REACH_M + 0.6).nearby(), null);
  const { say, nearby, sit } = street();
  say("attach_rule_set", { entity: 8, attach_rule: "deny" });
  assert.equal(nearby(), 7);
  say("attach_rule_set", { entity: 7, attach_rule: "owner" });
  assert.equal(nearby(), null);
  say("attach_rule_set", { entity: 8, attach_rule: "allow" });
  sit();
  assert.equal(nearby(), null);
});

test("who gets in sits down, and takes the wheel where nobody has it", async () => {
  for (const [vehicle, asked] of [[{}, ["request"]], [{ rule: "deny" }, []], [{ rule: "ask" }, []], [{ owner: 9 }, []], [{ master: ME, owner: ME }, []], [{ master: ME }, ["request"]]]) {
    const { riding, world, commands, sit } = street(2, vehicle);
    const boarded = riding.board(world.entities.get(8));
    sit();
    await boarded;
    assert.deepEqual(commands.map(({ type }) => type), ["set_parent", ...asked], JSON.stringify(vehicle));
    assert.equal(riding.vehicle.id, 7);
  }
});

test("who gets out stands beside it, and leaves it standing", async () => {
  const { riding, world, commands, sit } = street(2, { owner: ME, master: ME });
  sit();
  riding.step(0.5, [1, 0]);
  await riding.alight();
  assert.deepEqual(world.entities.get(7).velocity, [0, 0, 0]);
  const [{ type, parent }] = commands;
  assert.deepEqual([type, parent], ["set_parent", 0]);
});

test("one's own vehicle turns the way the keys say, and goes no faster than it can", () => {
  const { riding, world, sit } = street(2, { owner: ME, master: ME });
  sit();
  const car = world.entities.get(7);
  let before = car.position;
  for (let i = 0; i < 300; i++) {
    assert.equal(riding.step(1 / 60, [1, 0]), true);
    const way = Math.hypot(car.position[0] - before[0], car.position[2] - before[2]);
    assert.ok(way <= TOP_SPEED_M_S / 60 + 1e-9);
    before = car.position;
  }
  assert.ok(Math.abs(car.velocity[0] - TOP_SPEED_M_S) < 1e-6 && Math.abs(car.velocity[2]) < 1e-6, String(car.velocity));
  let steps = 0;
  while (riding.step(1 / 60, [0, 0])) steps++;
  assert.ok(steps < 90, `${steps} steps to stop`);
  assert.deepEqual(car.velocity.map(Math.abs), [0, 0, 0]);
});

test("a passenger drives nothing", () => {
  const { riding, world, sit } = street();
  assert.equal(riding.step(0.1, [1, 0]), false);
  sit();
  assert.equal(riding.step(0.1, [1, 0]), false);
  assert.deepEqual(world.entities.get(7).position, [2, 0, 0]);
});
