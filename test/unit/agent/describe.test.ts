import { describe, expect, it } from "vitest";
import type { InForce } from "../../../src/agent/apply.ts";
import { checkRules } from "../../../src/agent/check.ts";
import { describeEvent, describeInterfaces, describeSession } from "../../../src/agent/describe.ts";
import { eventLine, sessionsReply } from "../../../src/agent/protocol.ts";
import { statusReply } from "../../../src/agent/status-reply.ts";
import { defaultLimits } from "../../../src/model/model.ts";
import { makeEvent, makeSession } from "../../support/made-up.ts";

const text = `version: 1
networks: {vpc-a: {type: vpc}}
groups:
  sg-web:
    type: basic
    network: vpc-a
    rules:
      - {direction: ingress, policy: accept, protocol: tcp, portRange: 80/80, remote: 0.0.0.0/0, priority: 10}
      - {direction: ingress, policy: drop, protocol: all, portRange: -1/-1, remote: 198.51.100.0/24}
instances:
  i-1:
    interfaces:
      eni-1: {device: tap1, network: vpc-a, mac: "02:00:00:00:01:01", addresses: [10.0.0.11], groups: [sg-web]}
`;

async function inForce(): Promise<InForce> {
  const files = [{ path: "rules.yaml", text }];
  const checked = await checkRules(files, { limits: defaultLimits, host: "kvm-1" });
  return { ...checked, files, digest: "", revision: 3, applied: "2026-01-01T00:00:00.000Z" };
}

const session = makeSession({ interface: "eni-1" });

const event = makeEvent({ time: 5_000_000_000n, interface: "eni-1", tcpFlags: 0x12, version: 4 });

const now = { monotonic: 5_250_000_000n, wall: Date.parse("2026-01-01T00:00:01.000Z") };

describe("a session", () => {
  it("names the rule that let it in by group, place and line", async () => {
    const described = describeSession(session, await inForce());
    // Rules are numbered by priority: the drop (1) before the accept (10).
    expect(described).toMatchObject({
      protocol: "tcp",
      remote: "192.0.2.1",
      rule: { group: "sg-web", index: 0, line: 8 },
    });
    expect(sessionsReply.safeParse({ sessions: [described] }).success).toBe(true);
  });

  it("has no ports where its protocol has none, and no rule where none let it in", async () => {
    const described = describeSession(
      { ...session, protocol: 47, rule: null, reason: "inner-access" },
      await inForce(),
    );
    expect(described).toMatchObject({ protocol: "gre", localPort: null, remotePort: null, rule: null });
  });
});

describe("an event", () => {
  it("has the time of the wall clock, names, and flags as letters", async () => {
    const line = describeEvent(event, await inForce(), { version: 4, now });
    expect(line).toMatchObject({
      time: "2026-01-01T00:00:00.750Z",
      protocol: "tcp",
      source: "198.51.100.7",
      sourcePort: 1234,
      tcpFlags: "SA",
      icmpType: null,
      rule: { group: "sg-web", index: 1, line: 9 },
    });
    expect(eventLine.safeParse(line).success).toBe(true);
  });

  it("names no rule where another policy is in force by now", async () => {
    expect(describeEvent(event, await inForce(), { version: 5, now }).rule).toBeNull();
    expect(describeEvent(event, null, { version: 4, now }).rule).toBeNull();
  });

  it("of a frame without addresses says its type", async () => {
    const arp = { ...event, source: null, destination: null, protocol: 0, etherType: 0x0806, rule: null };
    const line = describeEvent(arp, await inForce(), { version: 4, now });
    expect(line).toMatchObject({ protocol: "arp", source: null, sourcePort: null, tcpFlags: null });
    expect(describeEvent({ ...arp, etherType: 0x88cc }, null, { version: 4, now }).protocol).toBe("0x88cc");
  });

  it("of an interface that left the rules has no name", async () => {
    expect(describeEvent({ ...event, interface: null }, await inForce(), { version: 4, now })).toMatchObject({
      interface: null,
      rule: null,
    });
  });
});

describe("interfaces", () => {
  it("carry what the rules say of them beside what the kernel does", async () => {
    const [described] = describeInterfaces(
      {
        adopted: true,
        object: "00",
        hz: 250,
        generation: 1,
        removed: [],
        uplinks: [],
        maps: [],
        proof: {
          policies: { proven: 0, refused: 0 },
          verifications: { clean: 0, mended: 0, failed: 0 },
          differences: {},
          last: null,
          lastDiffering: null,
        },
        interfaces: [
          {
            interface: "eni-1",
            number: 0,
            device: "tap1",
            ifindex: 0,
            state: "absent",
            mode: null,
            programs: { xdp: null, tcEgress: null, tcIngress: null },
            policy: 1n,
            version: 1,
            generation: 1,
            proven: null,
            forwarding: { wanted: "kernel" as const, now: "kernel" as const, reason: null },
            tables: [
              {
                table: "opening",
                entries: null,
                limit: 4096,
                inserted: 0,
                refused: 0,
                evicted: 0,
                evictedEarly: 0,
              },
            ],
            problem: null,
          },
        ],
      },
      await inForce(),
    );
    expect(described).toMatchObject({
      id: "eni-1",
      instance: "i-1",
      groups: ["sg-web"],
      ifindex: null,
      state: "absent",
    });
    expect(statusReply.shape.interfaces.safeParse([described]).success).toBe(true);
  });
});
