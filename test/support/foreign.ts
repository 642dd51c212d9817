/** A small world in which foreign rules and their import are judged by the same packets. */
import fc from "fast-check";
import type { Direction, Model } from "../../src/model/model.ts";
import { evaluate } from "../../src/policy/evaluate.ts";
import type { Question } from "../../src/policy/rules.ts";
import { address } from "./bed.ts";

/** Two members: `eni-1` of the first group (or of both), `eni-2` of the second one. */
export const members = {
  "eni-1": ["10.0.0.11", "2001:db8::11"],
  "eni-2": ["10.0.0.12", "2001:db8::12"],
} as const;

const outside = [
  "198.51.100.7",
  "198.51.100.200",
  "203.0.113.9",
  "10.0.0.77",
  "2001:db8:ffff::7",
  "2001:db8::77",
];
export const remotes = [...outside, ...members["eni-1"], ...members["eni-2"]];

export const prefixes4 = ["0.0.0.0/0", "198.51.100.0/24", "198.51.100.128/25", "10.0.0.0/24", "10.0.0.12/32"];
export const prefixes6 = ["::/0", "2001:db8:ffff::/48", "2001:db8::/64", "2001:db8::12/128"];
export const ports = [0, 1, 22, 80, 81, 443, 1024, 65535];

export interface ForeignPacket {
  readonly direction: Direction;
  readonly remote: string;
  readonly protocol: number;
  readonly port: number | null;
  readonly sourcePort: number | null;
  readonly type: number | null;
  readonly code: number | null;
}

export const familyOf = (text: string): 4 | 6 => (text.includes(":") ? 6 : 4);

const anyDirection = fc.constantFrom<Direction>("ingress", "egress");
const ported = fc.record({
  direction: anyDirection,
  remote: fc.constantFrom(...remotes),
  protocol: fc.constantFrom(6, 17),
  port: fc.constantFrom(...ports),
  sourcePort: fc.constantFrom(1, 80, 137, 40000),
  type: fc.constant(null),
  code: fc.constant(null),
});
const icmp = fc
  .record({
    direction: anyDirection,
    remote: fc.constantFrom(...remotes),
    type: fc.constantFrom(0, 3, 8, 128, 135),
    code: fc.constantFrom(0, 4),
  })
  .map((fields) => ({
    ...fields,
    protocol: familyOf(fields.remote) === 4 ? 1 : 58,
    port: null,
    sourcePort: null,
  }));
const other = fc.record({
  direction: anyDirection,
  remote: fc.constantFrom(...remotes),
  protocol: fc.constantFrom(47, 50, 132),
  port: fc.constant(null),
  sourcePort: fc.constant(null),
  type: fc.constant(null),
  code: fc.constant(null),
});

export const anyPacket: fc.Arbitrary<ForeignPacket> = fc.oneof(
  { weight: 4, arbitrary: ported },
  { weight: 2, arbitrary: icmp },
  { weight: 1, arbitrary: other },
);

/** The instances of the world, for a rules file: `eni-1` in these groups, `eni-2` in those. */
export function instances(first: readonly string[], second: readonly string[]) {
  const nic = (index: number, groups: readonly string[], addresses: readonly string[]) => ({
    interfaces: {
      [`eni-${index}`]: {
        device: `tap${index}`,
        network: "vpc-a",
        mac: `02:00:00:00:01:0${index}`,
        addresses,
        groups,
      },
    },
  });
  return { "i-1": nic(1, first, members["eni-1"]), "i-2": nic(2, second, members["eni-2"]) };
}

/** The near end: the interface's address of the remote's family. */
export function localOf({ remote }: ForeignPacket): string {
  return members["eni-1"][familyOf(remote) === 4 ? 0 : 1];
}

/** What the import says of a packet at `eni-1`. */
export function judge(model: Model, packet: ForeignPacket): "accept" | "drop" {
  const question: Question = {
    remote: address(packet.remote),
    local: address(localOf(packet)),
    protocol: packet.protocol,
    sourcePort: packet.sourcePort,
    destinationPort: packet.port,
    icmpType: packet.type,
    icmpCode: packet.code,
  };
  return evaluate(model, "eni-1", packet.direction, question, 0).verdict;
}

/** Does a prefix hold an address? Text to bits by the test's own reader. */
export function contains(prefix: string, text: string): boolean {
  const [base = "", length = "0"] = prefix.split("/");
  const [outer, inner] = [address(base), address(text)];
  if (outer.family !== inner.family) return false;
  const shift = BigInt((outer.family === 4 ? 32 : 128) - Number(length));
  return outer.bits >> shift === inner.bits >> shift;
}
