/** Advice on groups, networks and interfaces: how rules are shared out. */
import type { Group, Interface, Model } from "../../model/model.ts";
import { leavesUnmatched } from "../deciders.ts";
import { buildSpace, type KnownAddresses } from "../space.ts";
import { type Finding, makeFinding } from "./finding.ts";
import type { LintSide } from "./sides.ts";

/** From here on a network is large enough that how it is divided matters. */
const instancesEnough = 5;
/** Hundreds. */
const manyRules = 200;

/** Could a member be reached by another on something that no rule of the group drops? */
function isOpenWithin(side: LintSide, group: string, now: number): boolean {
  const addresses: KnownAddresses = () => [];
  const spaces = ([4, 6] as const).map((family) =>
    buildSpace(side.source, "ingress", family, { addresses, now, everyone: [group] }),
  );
  return leavesUnmatched(spaces);
}

function adviseDropFirst(model: Model, group: Group, sides: readonly LintSide[], now: number): Finding[] {
  if (group.type !== "basic" || group.innerAccess === "drop" || group.place === null) return [];
  const own = sides.filter(
    ({ source, side }) =>
      side.direction === "ingress" && source.groups.length === 1 && source.groups[0] === group.id,
  );
  const seen = own.filter(({ source }) => source.innerGroups.includes(group.id));
  const open = own.length === 0 || seen.some((side) => isOpenWithin(side, group.id, now));
  const members = [...model.interfaces.values()].filter(({ groups }) => groups.includes(group.id));
  if (!open || members.length === 0) return [];
  return [
    makeFinding("no-drop-first", {
      place: group.place,
      network: group.network,
      group: group.id,
      message:
        `members of ${group.id} reach each other on everything that no rule drops (inner access): ` +
        "ingress does not begin with dropping all",
      better: {
        text: "drop first, and accept what members need of each other by rules with the group as remote",
        yaml: "innerAccess: drop",
        command: null,
      },
    }),
  ];
}

function groupByNetwork(model: Model): ReadonlyMap<string, readonly Interface[]> {
  const byNetwork = new Map<string, Interface[]>();
  for (const own of model.interfaces.values()) {
    const known = byNetwork.get(own.network);
    if (known === undefined) byNetwork.set(own.network, [own]);
    else known.push(own);
  }
  return byNetwork;
}

function adviseOneGroup(model: Model, network: string, interfaces: readonly Interface[]): Finding[] {
  const instances = new Set(interfaces.map(({ instance }) => instance));
  const groups = new Set(interfaces.flatMap((own) => own.groups));
  const [only, ...more] = groups;
  if (only === undefined || more.length > 0 || instances.size < instancesEnough) return [];
  return [
    makeFinding("one-group", {
      place: model.groups.get(only)?.place ?? null,
      network,
      group: only,
      message: `${only} holds all ${instances.size} instances of ${network}: what one of them needs is open on all`,
      better: {
        text: "a group for each role (web, database, …), with groups as remotes between them",
        yaml: null,
        command: `ringwall group clone ${only} ${only}-ROLE`,
      },
    }),
  ];
}

function adviseSingleGroups(model: Model, network: string, interfaces: readonly Interface[]): Finding[] {
  const holders = new Map<string, Set<string>>();
  for (const { groups, instance } of interfaces) {
    for (const group of groups) holders.set(group, (holders.get(group) ?? new Set()).add(instance));
  }
  const single = [...holders].filter(([, instances]) => instances.size === 1).map(([group]) => group);
  if (single.length < instancesEnough || 2 * single.length <= holders.size) return [];
  const named = single.slice(0, instancesEnough).join(", ");
  return [
    makeFinding("group-per-instance", {
      place: model.networks.get(network)?.place ?? null,
      network,
      message:
        `${single.length} of ${holders.size} groups of ${network} hold one instance each ` +
        `(${named}${single.length > instancesEnough ? ", …" : ""}): the same rules have to be kept in many places`,
      better: {
        text: "a group for each role, joined by all instances that have it",
        yaml: null,
        command: null,
      },
    }),
  ];
}

function adviseMany(sides: readonly LintSide[]): Finding[] {
  const totals = new Map<LintSide["source"], { rules: number; interfaces: readonly Interface[] }>();
  for (const { source, side, interfaces } of sides) {
    const rules = (totals.get(source)?.rules ?? 0) + side.rules.length;
    totals.set(source, { rules, interfaces });
  }
  return [...totals].flatMap(([{ groups, network }, { rules, interfaces }]) => {
    const [first] = interfaces;
    if (first === undefined || rules < manyRules) return [];
    return [
      makeFinding("many-rules", {
        place: first.place,
        network,
        interfaces: interfaces.map(({ id }) => id),
        message: `${rules} rules of ${groups.join(", ")} judge ${first.id}: nobody can tell any more what they let in`,
        better: {
          text: "prefix lists and groups as remotes in the place of rules that differ by address only",
          yaml: null,
          command: null,
        },
      }),
    ];
  });
}

/** Do rules of the network believe that an address is its member's? */
function trustsGroups(model: Model, network: string): boolean {
  return [...model.groups.values()].some(
    (group) =>
      group.network === network &&
      ((group.type === "basic" && group.innerAccess === "accept" && !group.isDefault) ||
        group.rules.some(({ remote }) => remote.kind === "group")),
  );
}

function adviseUnprotected(model: Model, network: string, interfaces: readonly Interface[]): Finding[] {
  const free = interfaces.filter(({ antiSpoofing }) => antiSpoofing !== true);
  if (free.length === 0 || interfaces.length < 2 || !trustsGroups(model, network)) return [];
  return free.map((own) =>
    makeFinding("unprotected-interface", {
      place: own.place,
      network,
      interfaces: [own.id],
      message:
        `${own.id} may send from any address (antiSpoofing: ${own.antiSpoofing}): it can take a member's address, ` +
        `and with it what rules of ${network} grant to groups`,
      better: {
        text: "anti-spoofing, with the addresses that it uses beside its own as allowedAddressPairs",
        yaml: "antiSpoofing: true",
        command: null,
      },
    }),
  );
}

/** All of them. `sides`: where rules are judged; `now`: seconds of UTC. */
export function adviseGroups(model: Model, sides: readonly LintSide[], now: number): readonly Finding[] {
  const networks = [...groupByNetwork(model)];
  return [
    ...[...model.groups.values()].flatMap((group) => adviseDropFirst(model, group, sides, now)),
    ...networks.flatMap(([network, interfaces]) => [
      ...adviseOneGroup(model, network, interfaces),
      ...adviseSingleGroups(model, network, interfaces),
      ...adviseUnprotected(model, network, interfaces),
    ]),
    ...adviseMany(sides),
  ];
}
