import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { arp, ethernet, frame, ipv4, payload, tcp, udp } from "../support/packet.ts";
import { ringwall, shopRules, writeFiles } from "./program.ts";

const web = { source: "02:00:00:00:01:01", destination: "02:00:00:00:00:01" };
const router = { source: "02:00:00:00:00:01", destination: "02:00:00:00:01:01" };
const query = udp({ sourcePort: 5353, destinationPort: 53 });
const answer = udp({ sourcePort: 53, destinationPort: 5353 });
const out = ipv4({ source: "10.0.0.11", destination: "192.0.2.53" });
const back = ipv4({ source: "192.0.2.53", destination: "10.0.0.11" });
const blocked = ipv4({ source: "198.51.100.7", destination: "10.0.0.11" });

interface Taken {
  readonly at: number;
  readonly bytes: Uint8Array;
  /** Bytes that the capture kept. */
  readonly kept?: number;
}

function pcap(packets: readonly Taken[]): Uint8Array {
  const head = Buffer.alloc(24);
  head.writeUInt32LE(0xa1b2c3d4, 0);
  head.writeUInt16LE(2, 4);
  head.writeUInt16LE(4, 6);
  head.writeUInt32LE(65535, 16);
  head.writeUInt32LE(1, 20);
  const records = packets.map(({ at, bytes, kept = bytes.length }) => {
    const record = Buffer.alloc(16);
    record.writeUInt32LE(1_700_000_000 + Math.floor(at), 0);
    record.writeUInt32LE(Math.round((at % 1) * 1e6), 4);
    record.writeUInt32LE(kept, 8);
    record.writeUInt32LE(bytes.length, 12);
    return Buffer.concat([record, bytes.subarray(0, kept)]);
  });
  return Buffer.concat([head, ...records]);
}

async function replay(packets: readonly Taken[], ...args: string[]) {
  const folder = writeFiles({ "rules.yaml": shopRules, "trouble.pcap": pcap(packets) });
  const file = join(folder, "trouble.pcap");
  const outcome = await ringwall([
    "replay",
    file,
    "--rules",
    join(folder, "rules.yaml"),
    "--interface",
    "eni-web-1",
    ...args,
  ]);
  return { ...outcome, lines: outcome.stdout.trimEnd().split("\n") };
}

const dns = { at: 0, bytes: frame(ethernet(web), out, query) };
const reply = (at: number) => ({ at, bytes: frame(ethernet(router), back, answer) });

describe("replay", () => {
  it("gives each packet a line, in both directions, with its session", async () => {
    const hello = {
      at: 0.5,
      bytes: frame(ethernet(router), blocked, tcp({ sourcePort: 1, destinationPort: 80, flags: "S" })),
    };
    const { code, stderr, lines } = await replay([dns, reply(0.1), hello], "--json");
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(lines.map((line) => JSON.parse(line))).toEqual([
      {
        packet: 1,
        verdict: "accept",
        reason: "default-egress",
        session: "new",
        rule: null,
        direction: "egress",
      },
      {
        packet: 2,
        verdict: "accept",
        reason: "session",
        session: "established",
        rule: null,
        direction: "ingress",
      },
      {
        packet: 3,
        verdict: "drop",
        reason: "rule",
        session: "none",
        rule: { group: "sg-web", index: 1, priority: 1, policy: "drop", line: 10, id: null },
        direction: "ingress",
      },
    ]);
  });

  it("goes by the capture's clock: an answer that comes too late belongs to nothing", async () => {
    const { lines } = await replay([dns, reply(29), reply(300)], "--json");
    expect(lines.map((line) => (JSON.parse(line) as { reason: string }).reason)).toEqual([
      "default-egress",
      "session",
      "no-rule",
    ]);
  });

  it("begins with empty tables each time", async () => {
    for (let run = 0; run < 2; run++) {
      const { lines } = await replay([reply(0)], "--json");
      expect(JSON.parse(lines[0] ?? "")).toMatchObject({
        verdict: "drop",
        reason: "no-rule",
        session: "none",
      });
    }
  });

  it("takes every packet one way when told to", async () => {
    const { lines } = await replay([dns], "--json", "--direction", "ingress");
    expect(JSON.parse(lines[0] ?? "")).toMatchObject({
      direction: "ingress",
      verdict: "drop",
      reason: "spoofed-address",
    });
  });

  it("names reasons that no rule causes", async () => {
    const probe = arp({
      operation: "request",
      senderMac: web.source,
      senderAddress: "10.0.0.11",
      targetAddress: "10.0.0.1",
    });
    const stolen = ipv4({ source: "10.0.0.99", destination: "192.0.2.53" });
    const { lines } = await replay(
      [
        { at: 0, bytes: frame(ethernet({ ...web, destination: "ff:ff:ff:ff:ff:ff" }), probe) },
        { at: 1, bytes: frame(ethernet(web), stolen, query) },
      ],
      "--json",
    );
    expect(lines.map((line) => (JSON.parse(line) as { reason: string }).reason)).toEqual([
      "arp",
      "spoofed-address",
    ]);
  });

  it("judges no packet that the capture cut, names it, and ends with 1", async () => {
    const long = { at: 0, bytes: frame(ethernet(web), out, query, payload(400)), kept: 96 };
    const { code, stderr, lines } = await replay([long, reply(0.1)], "--json");
    expect(code).toBe(1);
    expect(JSON.parse(lines[0] ?? "")).toMatchObject({
      packet: 1,
      verdict: null,
      problem: expect.stringContaining("96 of its 442 bytes"),
    });
    expect(JSON.parse(lines[1] ?? "")).toMatchObject({ packet: 2, verdict: "drop", reason: "no-rule" });
    expect(stderr).toContain("1 packet of");
  });

  it("is readable, a line a packet", async () => {
    const { lines } = await replay([dns, reply(0.1)]);
    expect(lines[0]).toMatch(/^ {5}1 {2}egress {3}accept {2}default-egress +new$/);
    expect(lines[1]).toMatch(/^ +2 {2}ingress {2}accept {2}session +established$/);
  });

  it("sends thousands of packets in their order", async () => {
    const many = Array.from({ length: 3000 }, (_, index) =>
      index % 2 === 0 ? { ...dns, at: index / 1000 } : reply(index / 1000),
    );
    const { code, lines } = await replay(many, "--json");
    expect(code).toBe(0);
    expect(lines).toHaveLength(3000);
    expect(lines.slice(1).every((line) => line.includes('"reason":"session"'))).toBe(true);
  });

  it("refuses what it cannot read, or does not find, with what to do", async () => {
    const folder = writeFiles({ "rules.yaml": shopRules, "not.pcap": shopRules });
    const run = (...args: string[]) => ringwall(["replay", ...args, "--rules", join(folder, "rules.yaml")]);
    const noCapture = await run(join(folder, "not.pcap"), "--interface", "eni-web-1");
    expect(noCapture.code).toBe(1);
    expect(noCapture.stderr).toContain("neither pcap nor pcapng");
    expect((await run("/nonexistent.pcap", "--interface", "eni-web-1")).stderr).toContain(
      "/nonexistent.pcap: it does not exist",
    );
    expect((await run(join(folder, "not.pcap"), "--interface", "eni-wbe-1")).stderr).toContain("eni-web-1");
  });

  it("names the host of an interface that is on another one", async () => {
    const rules = shopRules.replace("{device: tap101i0", "{host: kvm-8, device: tap101i0");
    const folder = writeFiles({ "rules.yaml": rules, "trouble.pcap": pcap([dns]) });
    const args = [
      "replay",
      join(folder, "trouble.pcap"),
      "--interface",
      "eni-web-1",
      "--rules",
      join(folder, "rules.yaml"),
    ];
    const { code, stderr } = await ringwall(args);
    expect(code).toBe(1);
    expect(stderr).toContain("--host kvm-8");
    expect((await ringwall([...args, "--host", "kvm-8"])).code).toBe(0);
  });
});
