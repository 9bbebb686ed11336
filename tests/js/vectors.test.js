import assert from "node:assert/strict";
import { test } from "node:test";

import { decodeControl, encodeControl, MESSAGES } from "../../web/static/soiree/control.js";
import { WireError } from "../../web/static/soiree/errors.js";
import * as sections from "../../web/static/soiree/sections.js";
import * as state from "../../web/static/soiree/state.js";
import { close, hex, load, revive, unhex } from "./vectors.js";

const viewOf = (bytes) => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
/** The fields as the vectors spell them: of a group, messages are arrays. */
const spelled = (message) => {
  const row = MESSAGES.find(({ type }) => type === message.type);
  const nested = (value) => value.map((one) => [MESSAGES.find(({ type }) => type === one.type).code, one.n, ...spelled(one)]);
  return row.fields.map(([field]) => (field === "messages" ? nested(message[field]) : message[field]));
};
const baseOf = ([cx, cz, y]) => ({ cx, cz, y });

for (const { name, hex: text, type, n, from, fields } of load("control")) {
  test(`control ${name} decodes to the same fields and encodes to the same`, () => {
    const message = decodeControl(unhex(text), from);
    const row = MESSAGES.find((one) => one.type === message.type);
    assert.equal(message.type, name);
    assert.equal(message.n, n);
    assert.equal(row.code, type);
    assert.deepEqual(spelled(message), revive(fields));
    assert.deepEqual(decodeControl(encodeControl(message), from), message);
    // JavaScript has one kind of number: a float that happens to be whole is sent as an integer.
    if (!["view", "welcome", "event"].includes(name)) assert.equal(hex(encodeControl(message)), text);
  });
}

for (const vector of load("records")) {
  const { name, hex: text, kind, entity, base, input } = vector;
  test(`record ${name} decodes`, () => {
    const section = new Uint8Array([kind, 1, ...unhex(text)]);
    const [record, ...others] = sections.readSections(viewOf(section), 0, baseOf(base));
    assert.equal(others.length, 0);
    assert.equal(record.entity, entity);
    const read = record.slot === "pose" ? record.pose : record.slot === "props" ? { props: hex(record.bytes) } : record;
    const { name: _, hex: __, kind: ___, base: ____, entity: _____, input: ______, ...expected } = vector;
    assert.ok(close(read, expected), `${JSON.stringify(read)} is not ${JSON.stringify(expected)}`);
  });
  if (input) {
    test(`record ${name} encodes to the same bytes`, () => {
      const record = kind === sections.POSE ? { slot: "pose", pose: input } : { slot: "transform", attach: vector.attach ?? 0, ...input };
      const bytes = new Uint8Array(text.length / 2);
      const end = sections.writeRecord(viewOf(bytes), 0, { section: kind, entity, ...record });
      assert.equal(end, bytes.length);
      assert.equal(hex(bytes), text);
    });
  }
}

for (const vector of load("frames")) {
  test(`frame ${vector.name} decodes and encodes to the same bytes`, () => {
    const frame = state.decodeFrame(unhex(vector.hex));
    assert.equal(frame.type, vector.type);
    const bytes = {
      [state.STATE]: () => {
        assert.deepEqual([frame.seq, frame.tick, frame.controlApplied], [vector.seq, vector.tick, vector.control_applied]);
        assert.deepEqual(frame.base, baseOf([vector.base_cx, vector.base_cz, vector.base_y]));
        assert.deepEqual(frame.ack, vector.flags & 1 ? { seq: vector.ack_seq, mask: vector.ack_mask } : null);
        assert.deepEqual(frame.records.map(({ section }) => section), vector.sections.flatMap(({ kind, count }) => Array(count).fill(kind)));
        return state.encodeState(frame, frame.records);
      },
      [state.DATA]: () => {
        assert.deepEqual([frame.peer, hex(frame.bytes)], [vector.peer, vector.payload]);
        return state.encodeData(frame.peer, frame.bytes);
      },
      [state.PING]: () => {
        assert.deepEqual([frame.seq, frame.tick, frame.relayUs, frame.rttUs], [vector.seq, vector.tick, vector.relay_us, vector.rtt_us]);
        return state.encodePing(frame);
      },
      [state.PONG]: () => {
        assert.deepEqual([frame.seq, frame.relayUs, frame.clientUs], [vector.seq, vector.relay_us, vector.client_us]);
        return state.encodePong(frame);
      },
    }[vector.type]();
    assert.equal(hex(bytes), vector.hex);
  });
}

for (const { name, hex: text, base, sections: kinds, position } of load("placed")) {
  test(`placed record ${name} decodes`, () => {
    const { transform, pose, props } = sections.decodePlaced(unhex(text));
    assert.ok(close(transform.position, position), String(transform.position));
    assert.deepEqual([transform.section, ...(pose ? [sections.POSE] : []), ...(props ? [sections.PROPS] : [])], kinds);
    assert.deepEqual(sections.readBase(viewOf(unhex(text)), 0), baseOf(base));
  });
}

for (const { name, stream, hex: text } of load("malformed")) {
  test(`malformed ${stream} ${name} is refused`, () => {
    assert.throws(() => (stream === "control" ? decodeControl(unhex(text), "c") : state.decodeFrame(unhex(text))), WireError);
  });
}
