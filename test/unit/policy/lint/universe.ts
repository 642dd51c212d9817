/** A universe small enough to try every packet, and models that live in it. */
import fc from "fast-check";
import type { Direction, Group, Interface, Model, Rule } from "../../../../src/model/model.ts";
import { outranks } from "../../../../src/policy/evaluate.ts";
import { linkLocalOf } from "../../../../src/policy/identity.ts";
import {
  type GroupRule,
  groupsBehind,
  groupsOf,
  matches,
  type Question,
  rulesOf,
} from "../../../../src/policy/rules.ts";
import { address, group, model, network, nic, prefixList, type RuleText } from "../../../support/bed.ts";

export const now = 60;

const remotes4 = [
  "0.0.0.0/0",
  "0.0.0.0/0",
  "0.0.0.0/0",
  "10.0.0.0/30",
  "10.0.0.0/31",
  "10.0.0.2/32",
  "0.0.0.0/1",
  "128.0.0.0/1",
  "pl-4",
];
const remotes6 = ["::/0", "2001:db8::/127", "2001:db8::1/128", "pl-6"];
const groups = ["sg-a", "sg-b", "sg-c"];
const anyRemote = [...remotes4, ...remotes6, ...groups, "sg-nobody", "pl-empty", "224.0.0.0/4"];

const service: fc.Arbitrary<Partial<RuleText>> = fc.oneof(
  { weight: 4, arbitrary: fc.constant({ protocol: "all" }) },
  {
    weight: 5,
    arbitrary: fc.record({
      protocol: fc.constantFrom("tcp", "tcp", "udp"),
      ports: fc.constantFrom("80/80", "81/81", "80/81", "-1/-1", "1/79", "82/65535"),
      sourcePorts: fc.constantFrom(...Array<string>(15).fill("-1/-1"), "1/1023"),
    }),
  },
  {
    weight: 2,
    arbitrary: fc
      .tuple(fc.constantFrom("icmp", "icmpv6"), fc.constantFrom([null, null], [8, null], [8, 0]))
      .map(([protocol, [icmpType = null, icmpCode = null]]) => ({ protocol, icmpType, icmpCode })),
  },
  { weight: 1, arbitrary: fc.constant({ protocol: "gre" }) },
);

const rule: fc.Arbitrary<RuleText> = fc
  .tuple(
    service,
    fc.record({
      direction: fc.constantFrom<Direction>("ingress", "ingress", "egress"),
      policy: fc.constantFrom("accept" as const, "drop" as const),
      priority: fc.integer({ min: 1, max: 3 }),
      remote: fc.constantFrom(...anyRemote),
      expires: fc.constantFrom(...Array<null>(20).fill(null), 50, 100),
      nicType: fc.constantFrom("intranet" as const, "intranet" as const, "internet" as const),
    }),
    fc.constantFrom(...Array<undefined>(30).fill(undefined), "10.0.0.1/32", "2001:db8::1/128"),
  )
  .map(([of, rest, local]) => ({ ...of, ...rest, ...(local === undefined ? {} : { local }) }));

function arbitraryGroup(id: string, classic: boolean): fc.Arbitrary<Group> {
  return fc
    .record({
      rules: fc.array(rule, { maxLength: 7, size: "max" }),
      innerAccess: fc.constantFrom("accept" as const, "drop" as const),
      defaultEgress: fc.constantFrom("accept" as const, "drop" as const),
      mode: fc.constantFrom("enforce" as const, "enforce" as const, "enforce" as const, "observe" as const),
    })
    .map(({ rules, ...rest }) =>
      group(id, {
        ...rest,
        rules: rules.map((one) => (classic ? one : { ...one, nicType: "intranet" as const })),
      }),
    );
}

const membership = fc.subarray(groups, { minLength: 1, maxLength: 2 });

export const arbitraryLintModel: fc.Arbitrary<Model> = fc.boolean().chain((classic) =>
  fc
    .record({
      groups: fc.tuple(...groups.map((id) => arbitraryGroup(id, classic))),
      first: membership,
      second: membership,
      internet: fc.boolean(),
    })
    .map(({ groups: made, first, second, internet }) =>
      model({
        networks: [network("vpc-a", { type: classic ? "classic" : "vpc" })],
        prefixLists: [
          prefixList("pl-4", 4, ["10.0.0.1/32", "10.0.0.0/31"]),
          prefixList("pl-6", 6, ["2001:db8::/128"]),
          prefixList("pl-empty", 4, []),
        ],
        groups: [...made, group("sg-nobody")],
        interfaces: [
          nic("eni-1", {
            mac: "02:00:00:00:00:01",
            addresses: ["10.0.0.1", "2001:db8::1"],
            groups: first,
            pairs: [{ address: "10.0.0.3/32" }],
          }),
          nic("eni-2", {
            mac: "02:00:00:00:00:02",
            addresses: ["10.0.0.2"],
            groups: second,
            pairs: [{ address: "10.0.0.3/32", mac: "00:00:5e:00:01:01" }, { address: "2001:db8::2/127" }],
            nicType: classic && internet ? "internet" : "intranet",
          }),
        ],
      }),
    ),
);

const none = { sourcePort: null, destinationPort: null, icmpType: null, icmpCode: null };

/** One packet for each slice that the pools can make, and a few more. */
export function listServices(family: 4 | 6): Omit<Question, "remote" | "local">[] {
  const own = family === 4 ? 1 : 58;
  const ported = [
    [6, 79],
    [6, 80],
    [6, 81],
    [6, 82],
    [6, 0],
    [17, 79],
    [17, 80],
    [17, 81],
    [17, 82],
  ].flatMap(([protocol = 6, destinationPort = 0]) =>
    [1, 5000].map((sourcePort) => ({ ...none, protocol, destinationPort, sourcePort })),
  );
  const icmp = [
    [8, 0],
    [8, 1],
    [3, 0],
  ].map(([icmpType = 0, icmpCode = 0]) => ({ ...none, protocol: own, icmpType, icmpCode }));
  const bare = [47, 50, family === 4 ? 58 : 1].map((protocol) => ({ ...none, protocol }));
  return [...ported, ...icmp, ...bare];
}

export const farAddresses = {
  4: ["10.0.0.0", "10.0.0.1", "10.0.0.2", "10.0.0.3", "9.0.0.1", "192.0.2.1", "224.0.0.1"],
  6: ["2001:db8::", "2001:db8::1", "2001:db8::2"],
};
const locals = { 4: ["10.0.0.1", "10.0.0.9"], 6: ["2001:db8::1", "2001:db8::9"] };

export interface Asked {
  readonly question: Question;
  readonly time: number;
}

/** Source ports, second locals and later times only where a rule asks for them: one packet stands for all others. */
function listUses(of: Model): { source: boolean; local: boolean; time: boolean } {
  const rules = [...of.groups.values()].flatMap((one) => one.rules);
  return {
    source: rules.some(({ sourcePorts }) => sourcePorts !== null),
    local: rules.some(({ local }) => local !== null),
    time: rules.some(({ expires }) => expires === 100),
  };
}

/** Every packet of the universe that rules of this direction may judge, one of those that all rules find alike. */
export function listPackets(of: Model, direction: Direction): Asked[] {
  const uses = listUses(of);
  const made = [...of.interfaces.values()].map(({ mac }) => linkLocalOf(mac));
  return ([4, 6] as const).flatMap((family) => {
    const far = [...farAddresses[family].map(address), ...(family === 6 ? made : [])].filter(
      // Nothing comes from multicast.
      ({ bits }) => direction === "egress" || bits !== 0xe0000001n,
    );
    const near = locals[family].slice(0, uses.local ? 2 : 1).map(address);
    const services = listServices(family).filter(({ sourcePort }) => uses.source || sourcePort !== 1);
    const times = uses.time ? [now, 100] : [now];
    return far.flatMap((remote) =>
      near.flatMap((local) =>
        services.flatMap((one) => times.map((time) => ({ question: { ...one, remote, local }, time }))),
      ),
    );
  });
}

export type Outcome = "accept" | "drop" | "observed";

/** One side's rules in their order, and for each packet those that match: all that a verdict rests on. */
export interface BruteSide {
  readonly judged: Interface;
  readonly direction: Direction;
  readonly groups: readonly Group[];
  readonly rules: readonly GroupRule[];
  readonly packets: readonly {
    readonly matching: readonly GroupRule[];
    readonly behind: readonly string[];
  }[];
}

export function playSide(of: Model, judged: Interface, direction: Direction): BruteSide {
  const own = groupsOf(of, judged);
  const rules = [...rulesOf(of, judged, direction, own)].sort((a, b) => (outranks(a, b) ? -1 : 1));
  const packets = listPackets(of, direction).map(({ question, time }) => ({
    matching: rules.filter(({ rule: one }) => matches(one, { model: of, judged, question, now: time })),
    behind: groupsBehind(of, judged, question.remote),
  }));
  return { judged, direction, groups: own, rules, packets };
}

function passes(
  side: BruteSide,
  own: readonly Group[],
  packet: BruteSide["packets"][number],
  without: ReadonlySet<Rule>,
): boolean {
  for (const { group: holder, rule: one } of packet.matching) {
    if (!without.has(one) && own.includes(holder)) return one.policy === "accept";
  }
  const inner = own.some(
    ({ id, type, innerAccess }) => type === "basic" && innerAccess === "accept" && packet.behind.includes(id),
  );
  return (
    inner || (side.direction === "egress" && own.every(({ defaultEgress }) => defaultEgress === "accept"))
  );
}

export function outcomeOf(
  side: BruteSide,
  packet: BruteSide["packets"][number],
  without: ReadonlySet<Rule>,
): Outcome {
  if (passes(side, side.groups, packet, without)) return "accept";
  const enforcing = side.groups.filter(({ mode }) => mode === "enforce");
  if (enforcing.length === side.groups.length) return "drop";
  return enforcing.length === 0 || passes(side, enforcing, packet, without) ? "observed" : "drop";
}
