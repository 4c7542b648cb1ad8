import assert from "node:assert/strict";
import { test } from "node:test";
import { differences, EVERYTHING, NOTHING, together } from "./changes.ts";
import { aDevice } from "./fixtures.ts";

test("of a device told twice the later row counts, and its place stays", () => {
  const early = { ...NOTHING, devices: [aDevice({ waiting: 1 }), aDevice({ device: "gate-2" })] };
  const late = { ...NOTHING, devices: [aDevice({ waiting: 9 })] };
  const { devices } = together(early, late);
  assert.deepEqual(Array.isArray(devices) && devices.map(({ device, waiting }) => [device, waiting]), [
    ["gate-1", 9],
    ["gate-2", 0],
  ]);
});

test("sites add up, everything swallows them, nothing changes nothing", () => {
  const main = { ...NOTHING, visits: new Set(["main"]) };
  const bus = { ...NOTHING, visits: new Set(["bus"]), quarantine: true };
  assert.deepEqual(together(main, bus), { ...NOTHING, visits: new Set(["main", "bus"]), quarantine: true });
  assert.deepEqual(together(EVERYTHING, main), EVERYTHING);
  assert.deepEqual(together(NOTHING, main), main);
});

test("what was missed is counted by device, site and element", () => {
  const before = { devices: [aDevice(), aDevice({ device: "gate-2" })], visits: new Map([["main", 3]]), aside: [7] };
  const after = {
    devices: [aDevice({ link: "offline" }), aDevice({ device: "gate-2" })],
    visits: new Map([["main", 4], ["bus", 0]]),
    aside: [7, 9],
  };
  assert.equal(differences(before, after), 4);
  assert.equal(differences(after, after), 0);
});
