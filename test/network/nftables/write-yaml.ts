/** A rule set as Ringwall's file. */
import { guest, type PlainRemote, type PlainRule, type RuleSet } from "./rule-set.ts";

/** The frames that end a batch come and go by these addresses and this port, at a priority of their own. */
export const last = { ipv4: "203.0.113.254", port: 65000 } as const;

const lastRules = (["ingress", "egress"] as const).map(
  (direction) =>
    `{direction: ${direction}, policy: accept, protocol: udp, portRange: ${last.port}/${last.port}, remote: ${last.ipv4}/32, priority: 1}`,
);

function writeRemote(remote: PlainRemote): string {
  switch (remote.kind) {
    case "prefix":
      return JSON.stringify(remote.prefix);
    case "group":
    case "list":
      return remote.id;
    default:
      return remote satisfies never;
  }
}

const writeRange = (range: readonly [number, number] | null) =>
  range === null ? "-1/-1" : `${range[0]}/${range[1]}`;

function writeRule(rule: PlainRule): string {
  const fields = [
    `direction: ${rule.direction}`,
    `policy: ${rule.policy}`,
    `protocol: ${rule.protocol}`,
    `portRange: ${writeRange(rule.ports)}`,
    `remote: ${writeRemote(rule.remote)}`,
    `priority: ${rule.priority}`,
    ...(rule.sourcePorts === null ? [] : [`sourcePortRange: ${writeRange(rule.sourcePorts)}`]),
    ...(rule.icmpType === null ? [] : [`icmpType: ${rule.icmpType}`]),
    ...(rule.icmpCode === null ? [] : [`icmpCode: ${rule.icmpCode}`]),
    ...(rule.local === null ? [] : [`local: ${JSON.stringify(rule.local.prefix)}`]),
  ];
  return `{${fields.join(", ")}}`;
}

/** `number` makes the interface a new one: its sessions begin empty. */
export function writeYaml({ groups, lists }: RuleSet, number: number): string {
  const held = groups.filter(({ holds }) => holds).map(({ id }) => id);
  const addresses = JSON.stringify([...guest.ipv4, ...guest.ipv6]);
  const own = `{device: tap, network: vpc-a, mac: "${guest.mac}", addresses: ${addresses}, groups: [${held}]}`;
  const members = [...new Set(groups.flatMap(({ members: all }) => all))];
  return [
    "version: 1",
    "networks: {vpc-a: {type: vpc}}",
    "prefixLists:",
    ...lists.map(
      ({ id, family, entries }) =>
        `  ${id}: {family: ${family}, entries: [${entries.map((cidr) => `{cidr: ${JSON.stringify(cidr)}}`)}]}`,
    ),
    "groups:",
    ...groups.flatMap(({ id, innerAccess, defaultEgress, rules }) => [
      `  ${id}:`,
      `    {type: basic, network: vpc-a, innerAccess: ${innerAccess}, defaultEgress: ${defaultEgress}, rules: [`,
      ...[...(id === "sg-a" ? lastRules : []), ...rules.map(writeRule)].map((rule) => `      ${rule},`),
      "    ]}",
    ]),
    "instances:",
    `  i-own: {interfaces: {eni-${number}: ${own}}}`,
    ...members.map((address, index) => {
      const where = groups.filter(({ members: all }) => all.includes(address)).map(({ id }) => id);
      const mac = `02:00:00:00:01:${(index + 1).toString(16).padStart(2, "0")}`;
      return `  i-${index}: {interfaces: {eni-far-${index}: {host: elsewhere, device: tap${index}, network: vpc-a, mac: "${mac}", addresses: [${JSON.stringify(address)}], groups: [${where}]}}}`;
    }),
    "",
  ].join("\n");
}
