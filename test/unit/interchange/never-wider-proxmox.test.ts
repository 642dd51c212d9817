/** An import of a guest's firewall file, with the cluster's, allows what they allow: there the first rule decides. */

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isPartial, isRefused } from "../../../src/interchange/finding.ts";
import {
  anyPacket,
  contains,
  type ForeignPacket,
  familyOf,
  instances,
  judge,
  localOf,
} from "../../support/foreign.ts";
import { importFiles, modelOf } from "../../support/import-target.ts";
import { seed } from "../../support/seed.ts";

type Matcher = (packet: ForeignPacket) => boolean;

/** A piece of a line, and what it means by the manual. */
interface Piece {
  readonly text: string;
  readonly means: Matcher;
  /** No rule here says it. */
  readonly strange?: true;
}

interface Line {
  readonly text: string;
  readonly direction: "ingress" | "egress";
  readonly accepts: boolean;
  readonly means: Matcher;
  readonly off: boolean;
  readonly strange: boolean;
}

const cluster = `[OPTIONS]
enable: 1

[ALIASES]
office 198.51.100.0/24 # the office
Peer 10.0.0.12

[IPSET blocked] # with a hole, and an island in it
198.51.100.0/24
!198.51.100.128/25
198.51.100.200
2001:db8:ffff::/48

[IPSET nobody]
`;

const sets: Readonly<Record<string, Matcher>> = {
  blocked: ({ remote }) =>
    remote === "198.51.100.200" ||
    (contains("198.51.100.0/24", remote) && !contains("198.51.100.128/25", remote)) ||
    contains("2001:db8:ffff::/48", remote),
  nobody: () => false,
};

const far: readonly Piece[] = [
  { text: "", means: () => true },
  ...["0.0.0.0/0", "::/0", "10.0.0.0/24", "2001:db8::/64"].map((prefix) => ({
    text: prefix,
    means: ({ remote }: ForeignPacket) => contains(prefix, remote),
  })),
  { text: "198.51.100.9/24", means: ({ remote }) => contains("198.51.100.0/24", remote) },
  { text: "203.0.113.9,10.0.0.77", means: ({ remote }) => ["203.0.113.9", "10.0.0.77"].includes(remote) },
  { text: "198.51.100.5-198.51.100.130", means: ({ remote }) => remote === "198.51.100.7" },
  { text: "office", means: ({ remote }) => contains("198.51.100.0/24", remote) },
  { text: "dc/peer", means: ({ remote }) => remote === "10.0.0.12" },
  { text: "guest/own", means: ({ remote }) => remote === "2001:db8:ffff::7" },
  { text: "+dc/blocked", means: (packet) => sets.blocked?.(packet) === true },
  { text: "+nobody", means: (packet) => sets.nobody?.(packet) === true },
];

const near: readonly Piece[] = [
  { text: "", means: () => true },
  { text: "", means: () => true },
  { text: "", means: () => true },
  { text: "10.0.0.11", means: (packet) => localOf(packet) === "10.0.0.11" },
  { text: "10.0.0.128/25", means: () => false },
  { text: "+dc/blocked", means: () => false },
  { text: "2001:db8::/64", means: ({ remote }) => familyOf(remote) === 6 },
];

const tcp: Matcher = ({ protocol }) => protocol === 6;
const udp: Matcher = ({ protocol }) => protocol === 17;
const to =
  (...ranges: readonly (readonly [number, number])[]): Matcher =>
  ({ port }) =>
    ranges.some(([first, last]) => port !== null && first <= port && port <= last);
const and =
  (...all: readonly Matcher[]): Matcher =>
  (packet) =>
    all.every((one) => one(packet));
const ping: Matcher = ({ protocol, type }) =>
  (protocol === 1 && type === 8) || (protocol === 58 && type === 128);

const services: readonly (Piece & { readonly macro?: string })[] = [
  { text: "", means: () => true },
  { text: "-p tcp", means: tcp },
  { text: "-p tcp -dport 22", means: and(tcp, to([22, 22])) },
  { text: "-p tcp -dport 80,443,1000:65535", means: and(tcp, to([80, 80], [443, 443], [1000, 65535])) },
  {
    text: "-p udp -dport 1:1024 -sport 137",
    means: and(udp, to([1, 1024]), ({ sourcePort }) => sourcePort === 137),
  },
  { text: "-p tcp -dport 0:65535", means: tcp },
  { text: "-p icmp", means: ({ protocol }) => protocol === 1 },
  {
    text: "-p icmp -icmp-type fragmentation-needed",
    means: ({ protocol, type, code }) => protocol === 1 && type === 3 && code === 4,
  },
  { text: "-p ipv6-icmp -icmp-type 135", means: ({ protocol, type }) => protocol === 58 && type === 135 },
  { text: "-p 47", means: ({ protocol }) => protocol === 47 },
  { text: "-p esp", means: ({ protocol }) => protocol === 50 },
  { text: "", macro: "Ping", means: ping },
  { text: "", macro: "web", means: and(tcp, to([80, 80], [443, 443])) },
  {
    text: "",
    macro: "PPtP",
    means: (packet) => packet.protocol === 47 || and(tcp, to([1723, 1723]))(packet),
  },
  {
    text: "",
    macro: "SMB",
    means: (packet) =>
      and(tcp, to([135, 135], [139, 139], [445, 445]))(packet) ||
      and(udp, to([135, 135], [445, 445], [137, 139]))(packet) ||
      and(udp, to([1024, 65535]), ({ sourcePort }) => sourcePort === 137)(packet),
  },
  { text: "-p sctp -dport 80", means: ({ protocol }) => protocol === 132, strange: true },
  { text: "", macro: "Nonsense", means: () => false, strange: true },
  { text: "-i net1", means: () => false, strange: true },
];

const usually = <T>(usual: T, other: T): fc.Arbitrary<T> =>
  fc.oneof({ weight: 12, arbitrary: fc.constant(usual) }, { weight: 1, arbitrary: fc.constant(other) });

const line: fc.Arbitrary<Line> = fc
  .record({
    direction: fc.constantFrom("ingress" as const, "egress" as const),
    action: fc.constantFrom("ACCEPT", "ACCEPT", "DROP", "REJECT"),
    service: fc.oneof(
      { weight: 20, arbitrary: fc.constantFrom(...services.filter(({ strange }) => strange !== true)) },
      { weight: 1, arbitrary: fc.constantFrom(...services.filter(({ strange }) => strange === true)) },
    ),
    remote: fc.constantFrom(...far),
    local: fc.constantFrom(...near),
    off: usually(false, true),
    log: usually("", " -log nolog"),
  })
  .map(({ direction, action, service, remote, local, off, log }) => {
    const [farKey, nearKey] = direction === "ingress" ? ["source", "dest"] : ["dest", "source"];
    const word = service.macro === undefined ? action : `${service.macro}(${action})`;
    const ends = [
      remote.text === "" ? "" : ` -${farKey} ${remote.text}`,
      local.text === "" ? "" : ` --${nearKey} ${local.text}`,
    ];
    const type = direction === "ingress" ? "IN" : "OUT";
    return {
      text: `${off ? "|" : ""}${type} ${word}${ends.join("")} ${service.text}${log} # a "line"`,
      direction,
      accepts: action === "ACCEPT",
      means: and(service.means, remote.means, local.means),
      off,
      strange: service.strange === true,
    };
  });

interface Firewall {
  readonly before: readonly Line[];
  readonly group: readonly Line[];
  readonly after: readonly Line[];
  readonly policyIn: "ACCEPT" | "DROP" | "REJECT" | null;
  readonly policyOut: "ACCEPT" | "DROP" | null;
}

const firewall: fc.Arbitrary<Firewall> = fc.record({
  before: fc.array(line, { maxLength: 3 }),
  group: fc.array(line, { maxLength: 3 }),
  after: fc.array(line, { maxLength: 3 }),
  policyIn: fc.constantFrom("ACCEPT" as const, "DROP" as const, "REJECT" as const, null),
  policyOut: fc.constantFrom("ACCEPT" as const, "DROP" as const, null),
});

/** Guest's aliases are no names in a group of the cluster. */
const inCluster = (lines: readonly Line[]): readonly Line[] =>
  lines.filter(({ text }) => !text.includes("guest/"));

function asFiles({ before, group, after, policyIn, policyOut }: Firewall) {
  const texts = (lines: readonly Line[]): string => lines.map(({ text }) => `${text}\n`).join("");
  const options = `enable: 1\n${policyIn === null ? "" : `policy_in: ${policyIn}\n`}${policyOut === null ? "" : `policy_out: ${policyOut}\n`}`;
  const guest = `[OPTIONS]\n${options}\n[ALIASES]\nown 2001:db8:ffff::7\n\n[RULES]\n${texts(before)}GROUP shared\n${texts(after)}`;
  return [
    { name: "cluster.fw", text: `${cluster}\n[group shared]\n${texts(inCluster(group))}` },
    { name: "/etc/pve/firewall/100.fw", text: guest },
  ];
}

function sourceAccepts(
  { before, group, after, policyIn, policyOut }: Firewall,
  packet: ForeignPacket,
): boolean {
  const first = [...before, ...inCluster(group), ...after].find(
    (one) => !one.off && one.direction === packet.direction && one.means(packet),
  );
  if (first !== undefined) return first.accepts;
  return packet.direction === "ingress" ? policyIn === "ACCEPT" : policyOut !== "DROP";
}

describe("an import of a guest's firewall", () => {
  const reached = { refused: 0, whole: 0, partial: 0, accept: 0, drop: 0 };

  it(`is never wider than its source, and equal where nothing is left out (seed ${seed})`, () => {
    const packets = fc.array(anyPacket, { minLength: 50, maxLength: 50 });
    fc.assert(
      fc.property(firewall, packets, (source, asked) => {
        const imported = importFiles(asFiles(source));
        const all = [...source.before, ...inCluster(source.group), ...source.after].filter(({ off }) => !off);
        if (isRefused(imported.findings)) {
          expect(imported.findings.filter(({ effect }) => effect === "refused")).not.toEqual([]);
          expect(all.some(({ strange, accepts }) => strange && !accepts)).toBe(true);
          reached.refused += 1;
          return;
        }
        const whole = !isPartial(imported.findings);
        expect(whole).toBe(!all.some(({ strange, accepts }) => strange && accepts));
        reached[whole ? "whole" : "partial"] += 1;
        const model = modelOf(imported, { instances: instances(["sg-vm100"], ["sg-vm100"]) });
        for (const packet of asked) {
          const verdict = judge(model, packet);
          const accepts = sourceAccepts(source, packet) ? "accept" : "drop";
          reached[verdict] += 1;
          if (whole || verdict === "accept")
            expect({ packet, verdict }).toEqual({ packet, verdict: accepts });
        }
      }),
      { seed, numRuns: 700 },
    );
    for (const [what, count] of Object.entries(reached))
      expect({ what, count }).not.toEqual({ what, count: 0 });
  });
});
