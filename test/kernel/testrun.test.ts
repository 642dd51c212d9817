import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { defaultSettings } from "../../src/kernel/settings.ts";
import { TestRun } from "../../src/kernel/testrun.ts";
import { compileAll } from "../../src/policy/compile.ts";
import { resolve } from "../../src/policy/resolve.ts";
import { group, iface, model, remote, tcp } from "../unit/policy/compile-fixture.ts";
import { objectPath, tcpFrame } from "./host.ts";

const rules = model({
  groups: [group("sg-web", [tcp(80, 80)]), group("sg-db", [tcp(5432, 5432, { remote: remote("sg-web") })])],
  interfaces: [
    iface(1, ["sg-web"], ["10.0.0.1"]),
    iface(2, ["sg-db"], ["10.0.0.2"]),
    iface(3, ["sg-web"], ["10.0.0.3"], { hosts: ["elsewhere"] }),
  ],
});
const resolved = resolve(rules, { host: "here" });
const macs = { guest: "02:00:00:00:00:01", other: "02:00:00:00:00:99" };
const toWeb = (flags: number, port = 80, from = "198.51.100.1") =>
  tcpFrame({
    from: macs.other,
    to: macs.guest,
    source: from,
    destination: "10.0.0.1",
    sourcePort: 40000,
    port,
    flags,
  });
const fromWeb = (flags: number) =>
  tcpFrame({
    from: macs.guest,
    to: macs.other,
    source: "10.0.0.1",
    destination: "198.51.100.1",
    sourcePort: 80,
    port: 40000,
    flags,
  });
const syn = 2;
const synAck = 0x12;
const ack = 0x10;

describe("a test run of the shipped programs", () => {
  let run: TestRun;
  beforeAll(async () => {
    run = await TestRun.open({
      object: objectPath,
      resolved,
      policies: compileAll(resolved),
      settings: defaultSettings,
    });
  });
  afterAll(() => run?.close());

  it("judges a handshake as one session, and what no rule matches not at all", async () => {
    const first = run.run({
      interface: "eni-1",
      direction: "ingress",
      packets: [toWeb(syn), toWeb(syn, 81)],
      times: [1000, 1000],
    });
    expect(first).toMatchObject([
      { verdict: "accept", reason: "rule", session: "new", rule: 0 },
      { verdict: "drop", reason: "no-rule", session: "none", rule: null },
    ]);
    const answer = run.run({
      interface: "eni-1",
      direction: "egress",
      packets: [fromWeb(synAck)],
      times: [1000.1],
    });
    expect(answer).toMatchObject([{ verdict: "accept", reason: "session", session: "established" }]);
    run.run({ interface: "eni-1", direction: "ingress", packets: [toWeb(ack)], times: [1000.2] });
    const sessions = await run.sessions("eni-1");
    expect(sessions).toHaveLength(1);
    expect(sessions[0]).toMatchObject({
      protocol: 6,
      localPort: 80,
      remotePort: 40000,
      origin: "ingress",
      packets: 3,
    });
  });

  it("lets time pass as it is told, over the wrap of the kernel's clock", () => {
    const late = run.run({
      interface: "eni-1",
      direction: "ingress",
      packets: [toWeb(ack), toWeb(ack)],
      times: [1900, 3000],
    });
    expect(late).toMatchObject([
      { reason: "session", session: "established" },
      { reason: "rule", session: "new" },
    ]);
  });

  it("drops what the guest forges, at either hook", () => {
    const forged = tcpFrame({
      from: macs.guest,
      to: macs.other,
      source: "10.0.0.77",
      destination: "198.51.100.1",
      sourcePort: 1,
      port: 2,
      flags: syn,
    });
    for (const hook of ["xdp", "tc"] as const) {
      const verdicts = run.run({ interface: "eni-1", direction: "egress", hook, packets: [forged] });
      expect(verdicts).toMatchObject([{ verdict: "drop", reason: "spoofed-address" }]);
    }
  });

  it("says nothing of a frame that the kernel does not run", () => {
    const short = toWeb(syn).slice(0, 20);
    expect(run.run({ interface: "eni-1", direction: "ingress", packets: [short, toWeb(syn)] })).toMatchObject(
      [null, { verdict: "accept" }],
    );
  });

  it("follows a change: a session that the new rules refuse is revoked, another goes on", async () => {
    await run.flush("eni-1");
    const open = { interface: "eni-1", direction: "ingress" as const };
    run.run({ ...open, packets: [toWeb(syn), toWeb(syn, 80, "198.51.100.2")] });
    const before = run.policyOf("eni-1");
    const closed = model({
      groups: [group("sg-web", [tcp(80, 80, { remote: remote("198.51.100.2/32") })]), group("sg-db")],
      interfaces: [...rules.interfaces.values()],
    });
    const next = resolve(closed, { host: "here" });
    await run.change(next, compileAll(next));
    expect(run.policyOf("eni-1").generation).toBeGreaterThan(before.generation);
    // Rule 0 is another one by now: until their next packet the sessions live by none that has a name.
    const rulesOf = async () => (await run.sessions("eni-1")).map(({ rule }) => rule);
    expect(await rulesOf()).toEqual([null, null]);
    const later = [toWeb(ack), toWeb(ack), toWeb(ack, 80, "198.51.100.2")];
    expect(run.run({ ...open, packets: later })).toMatchObject([
      { verdict: "drop", reason: "no-rule" },
      { verdict: "drop", reason: "revoked" },
      { verdict: "accept", reason: "session" },
    ]);
    expect(await rulesOf()).toContain(0);
    await run.change(resolved, compileAll(resolved));
    expect(run.run({ ...open, packets: [toWeb(ack)] })).toMatchObject([
      { verdict: "accept", reason: "session" },
    ]);
  });

  it("refuses an interface that is not here, naming those that are", () => {
    expect(() => run.run({ interface: "eni-3", direction: "ingress", packets: [] })).toThrow(/eni-1, eni-2/);
  });
});

it("has room for a group of far more members than its maps are made for at least", async () => {
  const members = Array.from({ length: 40_000 }, (_, index) =>
    iface(index + 2, ["sg-web"], [`10.1.${index >> 8}.${index & 0xff}`], { hosts: ["elsewhere"] }),
  );
  const crowd = resolve(
    model({
      groups: [group("sg-web"), group("sg-db", [tcp(5432, 5432, { remote: remote("sg-web") })])],
      interfaces: [iface(1, ["sg-db"], ["10.0.0.1"]), ...members],
    }),
    { host: "here" },
  );
  const run = await TestRun.open({
    object: objectPath,
    resolved: crowd,
    policies: compileAll(crowd),
    settings: defaultSettings,
  });
  try {
    const packets = ["10.1.0.0", "10.1.156.63", "10.1.156.64"].map((from) => toWeb(syn, 5432, from));
    const verdicts = run.run({ interface: "eni-1", direction: "ingress", packets });
    expect(verdicts.map((verdict) => verdict?.reason)).toEqual(["rule", "rule", "no-rule"]);
  } finally {
    run.close();
  }
});
