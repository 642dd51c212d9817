/** Rule sets that both firewalls are given, in a shape of their own: neither compiles from the other's. */
import fc from "fast-check";

export type Family = "ipv4" | "ipv6";
export type Direction = "egress" | "ingress";

export type PlainRemote =
  | { readonly kind: "prefix"; readonly family: Family; readonly prefix: string }
  | { readonly kind: "group"; readonly id: string }
  | { readonly kind: "list"; readonly id: string; readonly family: Family };

export interface PlainRule {
  readonly direction: Direction;
  readonly policy: "accept" | "drop";
  readonly protocol: "all" | "tcp" | "udp" | "icmp" | "icmpv6" | "gre" | 50 | 112;
  readonly ports: readonly [number, number] | null;
  readonly sourcePorts: readonly [number, number] | null;
  readonly icmpType: number | null;
  readonly icmpCode: number | null;
  readonly priority: number;
  readonly remote: PlainRemote;
  readonly local: { readonly family: Family; readonly prefix: string } | null;
}

export interface PlainGroup {
  readonly id: string;
  readonly innerAccess: "accept" | "drop";
  readonly defaultEgress: "accept" | "drop";
  readonly rules: readonly PlainRule[];
  /** Addresses of other guests that are in it. */
  readonly members: readonly string[];
  /** Whether the guest is in it. */
  readonly holds: boolean;
}

export interface PlainList {
  readonly id: string;
  readonly family: Family;
  readonly entries: readonly string[];
}

export interface RuleSet {
  readonly groups: readonly PlainGroup[];
  readonly lists: readonly PlainList[];
}

export const guest = {
  mac: "02:00:00:00:00:01",
  ipv4: ["10.0.0.1", "10.0.0.2"],
  ipv6: ["2001:db8::1", "2001:db8::2"],
} as const;

/** Addresses of the far side: few, so that rules and packets meet, and close to the prefixes' borders. */
export const far = {
  ipv4: ["10.1.0.0", "10.1.0.1", "10.1.0.127", "10.1.0.128", "10.1.1.0", "10.2.0.1", "198.51.100.7"],
  ipv6: [
    "2001:db8:1::",
    "2001:db8:1::1",
    "2001:db8:1::7fff",
    "2001:db8:1:1::1",
    "2001:db8:2::1",
    "2001:db8:ffff::7",
  ],
} as const;

const prefixes: Readonly<Record<Family, readonly string[]>> = {
  ipv4: [
    "0.0.0.0/0",
    "10.0.0.0/8",
    "10.1.0.0/16",
    "10.1.0.0/24",
    "10.1.0.0/25",
    "10.1.0.128/25",
    "10.1.0.1/32",
    "198.51.100.0/24",
  ],
  ipv6: [
    "::/0",
    "2001:db8::/32",
    "2001:db8:1::/48",
    "2001:db8:1::/64",
    "2001:db8:1::/113",
    "2001:db8:1::1/128",
    "2001:db8:2::/48",
  ],
};

const locals: Readonly<Record<Family, readonly string[]>> = {
  ipv4: ["10.0.0.1/32", "10.0.0.0/30", "10.0.0.2/32"],
  ipv6: ["2001:db8::1/128", "2001:db8::2/127", "2001:db8::/64"],
};

/** Ports that rules speak of begin and end here; packets take these and their neighbours. */
export const ports = [22, 80, 443, 8000, 8080] as const;
export const sourcePorts = [1000, 2000] as const;

const groupIds = ["sg-a", "sg-b", "sg-c"] as const;
const family = fc.constantFrom<Family>("ipv4", "ipv6");
const pick = <T>(values: readonly T[]) => fc.constantFrom(...values);

const rarely = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | null> =>
  fc.oneof({ weight: 3, arbitrary: fc.constant(null) }, { weight: 1, arbitrary });

const range = (numbers: readonly number[]) =>
  fc.tuple(pick(numbers), pick(numbers)).map(([a, b]): [number, number] => [Math.min(a, b), Math.max(a, b)]);

function arbitraryRemote(lists: readonly PlainList[], wanted: Family | null): fc.Arbitrary<PlainRemote> {
  const families = wanted === null ? family : fc.constant(wanted);
  const ofPrefix = families.chain((chosen) =>
    pick(prefixes[chosen]).map((prefix): PlainRemote => ({ kind: "prefix", family: chosen, prefix })),
  );
  const ofGroup = pick(groupIds).map((id): PlainRemote => ({ kind: "group", id }));
  const ofList = pick(lists).map((list): PlainRemote => ({ kind: "list", id: list.id, family: list.family }));
  return fc.oneof(
    { weight: 3, arbitrary: ofPrefix },
    { weight: 2, arbitrary: ofGroup },
    { weight: 1, arbitrary: ofList },
  );
}

/** The family that a rule is bound to by its protocol. */
export function familyOf(protocol: PlainRule["protocol"]): Family | null {
  return protocol === "icmp" ? "ipv4" : protocol === "icmpv6" ? "ipv6" : null;
}

function arbitraryRule(lists: readonly PlainList[]): fc.Arbitrary<PlainRule> {
  return pick<PlainRule["protocol"]>(["all", "tcp", "tcp", "udp", "udp", "icmp", "icmpv6", "gre", 50, 112])
    .chain((protocol) => {
      const hasPorts = protocol === "tcp" || protocol === "udp";
      const isIcmp = protocol === "icmp" || protocol === "icmpv6";
      const types = protocol === "icmp" ? [8, 13] : [128, 1];
      return fc.record({
        direction: pick<Direction>(["egress", "ingress", "ingress"]),
        policy: pick<PlainRule["policy"]>(["accept", "accept", "drop"]),
        protocol: fc.constant(protocol),
        ports: hasPorts ? fc.option(range(ports), { freq: 4 }) : fc.constant(null),
        sourcePorts: hasPorts ? rarely(range(sourcePorts)) : fc.constant(null),
        icmpType: isIcmp ? fc.option(pick(types)) : fc.constant(null),
        icmpCode: isIcmp ? fc.option(pick([0, 1])) : fc.constant(null),
        // 1 is the last frame's own (see writeYaml); some priorities meet often.
        priority: pick([2, 2, 2, 3, 50, 100]),
        remote: arbitraryRemote(lists, familyOf(protocol)),
        local: rarely(
          (familyOf(protocol) === null ? family : fc.constant(familyOf(protocol) ?? "ipv4")).chain((chosen) =>
            pick(locals[chosen]).map((prefix) => ({ family: chosen, prefix })),
          ),
        ),
      });
    })
    .map((rule) => ({ ...rule, icmpCode: rule.icmpType === null ? null : rule.icmpCode }))
    .filter(isLegal);
}

/** A prefix on both sides is of one family; what a list or group of the other matches is legal: nothing. */
function isLegal({ remote, local, protocol }: PlainRule): boolean {
  if (local === null || remote.kind !== "prefix") return true;
  return local.family === remote.family && (familyOf(protocol) ?? local.family) === local.family;
}

const arbitraryLists: fc.Arbitrary<readonly PlainList[]> = fc.tuple(
  ...(["ipv4", "ipv6"] as const).map((chosen) =>
    fc
      .uniqueArray(pick(prefixes[chosen].slice(1)), { minLength: 0, maxLength: 3 })
      .map((entries): PlainList => ({ id: `pl-${chosen}`, family: chosen, entries })),
  ),
);

export const arbitraryRuleSet: fc.Arbitrary<RuleSet> = arbitraryLists.chain((lists) =>
  fc
    .tuple(
      ...groupIds.map((id) =>
        fc.record({
          id: fc.constant<string>(id),
          innerAccess: pick<"accept" | "drop">(["accept", "drop"]),
          defaultEgress: pick<"accept" | "drop">(["accept", "accept", "drop"]),
          rules: fc.array(arbitraryRule(lists), { minLength: 4, maxLength: 16, size: "max" }),
          members: fc.uniqueArray(pick([...far.ipv4, ...far.ipv6]), { maxLength: 3 }),
          holds: id === "sg-a" ? fc.constant(true) : fc.boolean(),
        }),
      ),
    )
    .map((groups): RuleSet => ({ groups, lists })),
);
