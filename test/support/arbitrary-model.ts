/** Models of every feature, small enough that packets aimed at them meet rules, members and sessions. */
import fc from "fast-check";
import type { Group, Interface, Model } from "../../src/model/model.ts";
import { address, group, type InterfaceText, model, network, nic, prefixList, type RuleText } from "./bed.ts";

/** What is written in models and packets alike, so that they meet. */
export const pools = {
  outside4: ["198.51.100.7", "198.51.100.200", "203.0.113.9"],
  outside6: ["2001:db8:ffff::7", "2001:db8:ffff:1::1"],
  ports: [1, 22, 53, 79, 80, 81, 443, 1023, 1024, 40000, 65535],
  vip4: "10.0.0.100",
  vip6: "2001:db8:0:100::5",
  vipMac: "00:00:5e:00:01:01",
  gateway4: "10.0.0.1",
  gateway6: "fe80::1",
  vlan: 100,
  etherType: 0x88b5,
} as const;

const prefixes4 = [
  "0.0.0.0/0",
  "10.0.0.0/24",
  "10.0.0.11/32",
  "10.0.0.12/31",
  "198.51.100.0/24",
  "198.51.100.128/25",
];
const prefixes6 = ["::/0", "2001:db8::/64", "2001:db8::11/128", "2001:db8:ffff::/48", "fe80::/10"];
const multicast = ["224.0.0.0/4", "ff00::/8", "255.255.255.255/32"];
const lists = ["pl-4", "pl-6", "pl-empty"];

/** The interfaces' places: network, addresses, host. Two networks have equal addresses. */
const places = [
  { network: "vpc-a", last: 11 },
  { network: "vpc-a", last: 12 },
  { network: "vpc-b", last: 11 },
  { network: "vpc-b", last: 12 },
  { network: "classic", last: 11 },
  { network: "classic", last: 12 },
  { network: "vpc-a", last: 13 },
] as const;

const networks = ["vpc-a", "vpc-b", "classic"] as const;
const groupIds = (of: string): readonly string[] => [`sg-${of}-1`, `sg-${of}-2`, `sg-${of}-3`];
const advancedId = (of: string): string => `sg-${of}-adv`;

const range = fc
  .tuple(fc.constantFrom(...pools.ports), fc.constantFrom(...pools.ports))
  .map(([a, b]) => `${Math.min(a, b)}/${Math.max(a, b)}`);

/** Undefined more often than not: the field is left out. */
const seldom = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.option(arbitrary, { nil: undefined, freq: 2 });

type Service = Pick<RuleText, "protocol" | "ports" | "sourcePorts" | "icmpType" | "icmpCode">;

function defined<T extends object>(fields: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  const entries = Object.entries(fields).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as { [K in keyof T]: Exclude<T[K], undefined> };
}

const ported = fc
  .record({
    protocol: fc.constantFrom("tcp", "udp"),
    ports: fc.option(range, { nil: undefined }),
    sourcePorts: seldom(range),
  })
  .map((fields): Service => defined(fields));

const icmpService = fc
  .record({
    protocol: fc.constantFrom("icmp", "icmpv6"),
    icmpType: fc.constantFrom(null, 0, 3, 8, 128, 129),
    icmpCode: fc.constantFrom(null, 0, 4),
  })
  .map((fields): Service => (fields.icmpType === null ? { ...fields, icmpCode: null } : fields));

const service: fc.Arbitrary<Service> = fc.oneof(
  { weight: 3, arbitrary: ported },
  { weight: 2, arbitrary: fc.constant({ protocol: "all" }) },
  { weight: 1, arbitrary: icmpService },
  {
    weight: 1,
    arbitrary: fc.constantFrom<Service>({ protocol: "gre" }, { protocol: 50 }, { protocol: 132 }),
  },
);

/** The prefix of the family that a protocol's name asks for. */
function remotesOf(protocol: RuleText["protocol"], groups: readonly string[]): readonly string[] {
  const any = [...groups, ...lists];
  if (protocol === "icmp") return [...prefixes4, ...any];
  if (protocol === "icmpv6") return [...prefixes6, ...any];
  return [...prefixes4, ...prefixes6, "0.0.0.0/0", "::/0", ...multicast, ...any];
}

function arbitraryRule(of: string, advanced: boolean, now: number): fc.Arbitrary<RuleText> {
  const groups = advanced ? [] : groupIds(of);
  return service.chain((fields) =>
    fc
      .record({
        direction: fc.constantFrom("ingress" as const, "egress" as const),
        policy: advanced
          ? fc.constant("accept" as const)
          : fc.constantFrom("accept" as const, "drop" as const),
        priority: advanced ? fc.constant(1) : fc.integer({ min: 1, max: 4 }),
        remote: fc.constantFrom(...remotesOf(fields.protocol, groups)),
        local: fc.option(fc.constantFrom("10.0.0.11/32", "10.0.0.0/24", "2001:db8::/64"), {
          nil: undefined,
          freq: 6,
        }),
        nicType:
          of === "classic"
            ? fc.constantFrom("intranet" as const, "internet" as const)
            : fc.constant("intranet" as const),
        expires: fc.option(fc.constantFrom(now - 1, now + 40, now + 100000), { nil: undefined, freq: 6 }),
      })
      .map((rest) => ({ ...fields, ...defined(rest) })),
  );
}

/** One that much matches, so that sessions begin; a change of it ends many. */
function wideRule(of: string, advanced: boolean): fc.Arbitrary<RuleText> {
  return fc.record({
    direction: fc.constantFrom("ingress" as const, "egress" as const),
    policy: advanced
      ? fc.constant("accept" as const)
      : fc.constantFrom("accept" as const, "accept" as const, "drop" as const),
    protocol: fc.constantFrom("all", "all", "tcp", "udp"),
    priority: advanced ? fc.constant(1) : fc.integer({ min: 2, max: 4 }),
    remote: fc.constantFrom("0.0.0.0/0", "::/0"),
    nicType:
      of === "classic"
        ? fc.constantFrom("intranet" as const, "internet" as const)
        : fc.constant("intranet" as const),
  });
}

function arbitraryGroup(id: string, of: string, type: Group["type"], now: number): fc.Arbitrary<Group> {
  const advanced = type === "advanced";
  const mostly = <T>(usual: T, other: T, weight = 3): fc.Arbitrary<T> =>
    fc.oneof({ weight, arbitrary: fc.constant(usual) }, { weight: 1, arbitrary: fc.constant(other) });
  return fc
    .record({
      rules: fc
        .tuple(
          fc.array(arbitraryRule(of, advanced, now), { minLength: 2, maxLength: 10, size: "max" }),
          fc.array(wideRule(of, advanced), { maxLength: 2, size: "max" }),
        )
        .map((rules) => rules.flat()),
      innerAccess: advanced ? fc.constant("drop" as const) : mostly("accept" as const, "drop" as const),
      defaultEgress: mostly("accept" as const, "drop" as const),
      mode: mostly("enforce" as const, "observe" as const, 8),
    })
    .map((fields) => group(id, { ...fields, type, network: of }));
}

const oftenEmpty = <T>(value: T): fc.Arbitrary<readonly T[]> =>
  fc.oneof({ weight: 3, arbitrary: fc.constant([]) }, { weight: 1, arbitrary: fc.constant([value]) });

const pairs: fc.Arbitrary<NonNullable<InterfaceText["pairs"]>> = fc.oneof(
  { weight: 4, arbitrary: fc.constant([]) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      [{ address: `${pools.vip4}/32`, mac: pools.vipMac }],
      [{ address: `${pools.vip4}/32` }, { address: "2001:db8:0:100::/64" }],
    ),
  },
);

/** Of both families mostly, of one, more than a record holds inline, none. */
function addressLists(last: number): readonly InterfaceText["addresses"][] {
  const both = [`10.0.0.${last}`, `2001:db8::${last}`];
  const many = [`2001:db8::${last}`, ...[0, 5, 6, 7].map((net) => `10.0.${net}.${last}`)];
  return [both, both, [`10.0.0.${last}`], many, []];
}

function arbitraryInterface(index: number): fc.Arbitrary<Interface> {
  const place = places[index] ?? places[0];
  const basic = fc.subarray([...groupIds(place.network)], { minLength: 1 });
  const groups =
    place.network === "classic"
      ? basic
      : fc.oneof(
          { weight: 4, arbitrary: basic },
          { weight: 1, arbitrary: fc.constant([advancedId(place.network)]) },
        );
  return fc
    .record({
      groups,
      pairs,
      addresses: fc.constantFrom(...addressLists(place.last)),
      vlans: oftenEmpty(pools.vlan),
      etherTypes: fc.constantFrom([], [pools.etherType]),
      antiSpoofing: fc.constantFrom<Interface["antiSpoofing"]>(true, true, true, true, false, "observe"),
      nicType:
        place.network === "classic"
          ? fc.constantFrom("intranet" as const, "intranet" as const, "internet" as const)
          : fc.constant("intranet" as const),
    })
    .map((fields) =>
      nic(`eni-${index}`, {
        ...fields,
        mac: macOf(index),
        network: place.network,
        hosts: index === places.length - 1 ? ["elsewhere"] : [],
      }),
    );
}

/** The MAC of the interface at a place. */
export function macOf(index: number): string {
  return `02:00:00:00:01:${(index + 1).toString(16).padStart(2, "0")}`;
}

/**
 * Models with up to seven interfaces in three networks (two VPCs with equal addresses, one classic), the last
 * one on another host. `now`: seconds of UTC around which rules expire.
 */
export function arbitraryModel(now = 0): fc.Arbitrary<Model> {
  const groups = networks.flatMap((of) => [
    ...groupIds(of).map((id) => arbitraryGroup(id, of, "basic", now)),
    ...(of === "classic" ? [] : [arbitraryGroup(advancedId(of), of, "advanced", now)]),
  ]);
  return fc
    .tuple(fc.tuple(...groups), fc.tuple(...places.map((_, index) => arbitraryInterface(index))))
    .map(([madeGroups, interfaces]) =>
      model({
        networks: networks.map((id) =>
          network(id, {
            type: id === "classic" ? "classic" : "vpc",
            gateways: [address(pools.gateway4), address(pools.gateway6)],
          }),
        ),
        prefixLists: [
          prefixList("pl-4", 4, ["198.51.100.0/25", "10.0.0.12/32", "198.51.100.0/25"]),
          prefixList("pl-6", 6, ["2001:db8:ffff::/64", "2001:db8::12/128"]),
          prefixList("pl-empty", 4, []),
        ],
        groups: madeGroups,
        interfaces,
      }),
    );
}
