/** Rules of templates, and the default group that a network without one gets. */
import { parsePrefix } from "./cidr.ts";
import type { Direction, Group, Network, NicType, PortRange, Rule } from "./model.ts";
import { type ProtocolName, protocolNumbers } from "./protocol.ts";
import { templatePriority } from "./rule.ts";

export const templateNames = ["web-linux", "web-windows", "custom"] as const;
export type TemplateName = (typeof templateNames)[number];

/** TCP ports that a template opens beside ICMP; null: it has no rules. */
const templatePorts: Readonly<Record<TemplateName, readonly number[] | null>> = {
  "web-linux": [22, 80, 443],
  "web-windows": [3389, 80, 443],
  custom: null,
};

const families = [
  { everywhere: "0.0.0.0/0", icmp: "icmp" },
  { everywhere: "::/0", icmp: "icmpv6" },
] as const;

function makeRule(
  direction: Direction,
  protocol: ProtocolName,
  ports: PortRange | null,
  remote: string,
  priority: number,
): Omit<Rule, "index" | "nicType"> {
  const parsed = parsePrefix(remote);
  if (!parsed.ok) throw new Error(`template rule: ${parsed.problem.message}`);
  return {
    id: null,
    direction,
    policy: "accept",
    protocol,
    protocolNumber: protocolNumbers[protocol],
    ports,
    sourcePorts: null,
    icmpType: null,
    icmpCode: null,
    priority,
    remote: { kind: "prefix", prefix: parsed.value.prefix },
    local: null,
    description: "",
    expires: null,
    template: true,
    place: null,
  };
}

function makeIngress(ports: readonly number[], priority: number): Omit<Rule, "index" | "nicType">[] {
  return families.flatMap(({ everywhere, icmp }) => [
    makeRule("ingress", icmp, null, everywhere, priority),
    ...ports.map((port) => makeRule("ingress", "tcp", { first: port, last: port }, everywhere, priority)),
  ]);
}

/** In a classic network a rule speaks for one kind of interface: each stands there for both. */
function place(rules: readonly Omit<Rule, "index" | "nicType">[], nicTypes: readonly NicType[]): Rule[] {
  const all = nicTypes.flatMap((nicType) => rules.map((rule) => ({ ...rule, nicType })));
  return all.map((rule, index) => ({ ...rule, index }));
}

function nicTypesOf(network: Pick<Network, "type">): readonly NicType[] {
  return network.type === "classic" ? ["intranet", "internet"] : ["intranet"];
}

/** The rules that a new group of this type begins with: priority 110 in a basic group, 1 in an advanced one. */
export function makeTemplateRules(
  template: TemplateName,
  type: Group["type"],
  network: Pick<Network, "type">,
): readonly Rule[] {
  const ports = templatePorts[template];
  if (ports === null) return [];
  return place(makeIngress(ports, type === "advanced" ? 1 : templatePriority), nicTypesOf(network));
}

/** The id of a default group that had to be made. */
export function defaultGroupId(network: string): string {
  return `sg-default-${network}`;
}

/**
 * The rules of a default group: ICMP, ICMPv6, TCP 22 and 3389 (with `web` also 80 and 443) from anywhere,
 * everything to anywhere, all at priority 110 (1 in an advanced group).
 */
export function makeDefaultRules(
  network: Pick<Network, "type">,
  { web = false, type = "basic" }: { readonly web?: boolean; readonly type?: Group["type"] } = {},
): readonly Rule[] {
  const priority = type === "advanced" ? 1 : templatePriority;
  const egress = families.map(({ everywhere }) => makeRule("egress", "all", null, everywhere, priority));
  const ingress = makeIngress(web ? [22, 3389, 80, 443] : [22, 3389], priority);
  return place([...ingress, ...egress], nicTypesOf(network));
}

/** The group of a network's interfaces that name none. */
export function makeDefaultGroup(network: Network): Group {
  return {
    id: defaultGroupId(network.id),
    name: "",
    description: `default group of ${network.id}`,
    type: "basic",
    network: network.id,
    innerAccess: "accept",
    defaultEgress: "accept",
    mode: "enforce",
    isDefault: true,
    rules: makeDefaultRules(network),
    tags: new Map(),
    place: null,
  };
}
