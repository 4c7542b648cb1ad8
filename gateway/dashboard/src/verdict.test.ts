import assert from "node:assert/strict";
import { test } from "node:test";
import type { Device, Gateway } from "./api.ts";
import { aDevice } from "./fixtures.ts";
import { standingOf } from "./standing.ts";
import { verdictOf } from "./verdict.ts";

const now = Date.parse("2026-11-04T06:32:00Z");
const aGateway: Gateway = {
  certificate: { standing: "good", origin: "gateway", not_before: "2026-08-01T00:00:00Z", not_after: "2027-08-01T00:00:00Z" },
  signatures: [],
};

test("with nothing wrong there is nothing to do", () => {
  const { troubles, online, well } = judge([aDevice(), aDevice({ device: "gate-2" })]);
  assert.deepEqual(troubles, []);
  assert.deepEqual([online, well], [2, 2]);
});

test("a site whose devices all fell silent is one thing, and critical", () => {
  const off = { link: "offline", site: "donggang" } as const;
  const { troubles } = judge([
    aDevice(),
    aDevice({ device: "a", ...off }),
    aDevice({ device: "b", ...off, since: "2026-11-03T23:00:00Z" }),
  ]);
  assert.deepEqual(troubles.map(({ kind, severity }) => [kind, severity]), [["site_offline", "crit"]]);
  assert.equal(troubles[0]?.since, Date.parse("2026-11-03T23:00:00Z"));
});

test("one silent device among others is a warning of its own", () => {
  const { troubles } = judge([aDevice(), aDevice({ device: "gate-2", link: "offline" })]);
  assert.deepEqual(troubles.map(({ kind, severity }) => [kind, severity]), [["offline", "warn"]]);
});

test("what a device says of its machines is told while it is in contact, one thing each", () => {
  const alarms = [
    { kind: "self-checkout-out-of-paper", count: 2, since: null },
    { kind: "screen-silent", count: 1, since: null },
    { kind: "facts-lost", count: 9, since: null },
  ];
  const { troubles } = judge([aDevice({ alarms })]);
  const told = troubles.flatMap((it) => (it.kind === "alarm" ? [[it.alarm, it.n]] : []));
  assert.deepEqual(told, [["screen-silent", 1], ["self-checkout-out-of-paper", 2]]);
  const away = judge([aDevice({ alarms, link: "offline" })]).troubles;
  assert.deepEqual(away.map(({ kind }) => kind), ["offline"]);
});

test("a device that was never heard is no trouble", () => {
  const { troubles, never } = judge([aDevice({ link: "unknown", last_contact: null, clock: null })]);
  assert.deepEqual(troubles, []);
  assert.equal(never, 1);
});

test("worst first, then longest first", () => {
  const { troubles } = judge([
    aDevice({ device: "late", link: "offline", since: "2026-11-04T06:30:00Z" }),
    aDevice({ device: "early", site: "other", link: "offline", since: "2026-11-04T05:00:00Z" }),
    aDevice({ device: "twin", id_conflicts: 2 }),
    aDevice({ device: "holes", open: 19 }),
  ]);
  assert.deepEqual(
    troubles.map((trouble) => ("device" in trouble ? trouble.device : trouble.kind)),
    ["twin", "early", "late", "holes"],
  );
});

test("an old refusal worries nobody", () => {
  const at = (text: string) => ({ at: text, topic: "x", reason: "not its own" });
  assert.equal(judge([aDevice({ refused: 3, last_refusal: at("2026-11-04T06:00:00Z") })]).troubles.length, 1);
  assert.equal(judge([aDevice({ refused: 3, last_refusal: at("2026-11-04T05:00:00Z") })]).troubles.length, 0);
});

test("a few records on their way are no catching up", () => {
  assert.equal(standingOf(aDevice({ waiting: 1 })), "online");
  assert.equal(standingOf(aDevice({ waiting: 500 })), "catching");
});

test("a plain device needs no clock, one with an agent does", () => {
  assert.equal(standingOf(aDevice({ agent: null, clock: null })), "online");
  assert.equal(standingOf(aDevice({ clock: null })), "clock");
});

test("a certificate that ends soon is a warning, one that has ended shuts out and is critical", () => {
  const stands = (standing: Gateway["certificate"]["standing"]) => {
    const certificate = { standing, origin: "operator", not_before: "2026-08-01T00:00:00Z", not_after: "2026-11-01T00:00:00Z" } as const;
    return judge([aDevice()], { ...aGateway, certificate }).troubles;
  };
  assert.deepEqual(stands("good"), []);
  assert.deepEqual(stands("ends-soon").map(({ kind, severity }) => [kind, severity]), [["certificate", "warn"]]);
  assert.deepEqual(stands("not-begun").map(({ severity }) => severity), ["crit"]);
  const [ended] = stands("ended");
  assert.deepEqual([ended?.severity, ended?.since], ["crit", Date.parse("2026-11-01T00:00:00Z")]);
});

test("signatures that end soon are one thing for the operator and one for the gateway", () => {
  const until = (role: string, expires: string, ends_soon = true) => ({ role, version: 1, expires, ends_soon });
  const { troubles } = judge(
    [aDevice()],
    {
      ...aGateway,
      signatures: [
        until("root", "2026-12-24T00:00:00Z"),
        until("targets", "2026-12-01T00:00:00Z"),
        until("snapshot", "2026-11-30T00:00:00Z", false),
        until("timestamp", "2026-11-04T06:00:00Z"),
      ],
    },
  );
  assert.deepEqual(
    troubles.map((trouble) => trouble.kind === "signature" && [trouble.role, trouble.severity, trouble.isOffLine]),
    [
      ["timestamp", "crit", false],
      ["targets", "warn", true],
    ],
  );
});

function judge(devices: Device[], gateway?: Gateway) {
  const sites = [...new Set(devices.map(({ site }) => site ?? ""))].map((site) => ({ site, name: site, open: "always" }));
  return verdictOf({ devices, sites, quarantine: { rows: [], next: null }, gateway, now });
}
