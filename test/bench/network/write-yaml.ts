/** The bench's rules in Ringwall's words: one group that holds the guests. */
import { addressOf, guests, macOf, tapOf } from "./guests.ts";
import type { AddressSet, BenchRule, RuleSet } from "./rules.ts";

function writeRule({ protocol, ports: [first, last], remote }: BenchRule): string {
  const source = remote.kind === "prefix" ? remote.prefix : remote.id;
  return `      - {direction: ingress, policy: accept, protocol: ${protocol}, portRange: ${first}/${last}, remote: ${source}}`;
}

function writeList({ id, entries }: AddressSet): string {
  const written = entries.map((cidr) => `{cidr: ${cidr}}`).join(", ");
  return `  ${id}: {family: ipv4, entries: [${written}]}`;
}

/** Members are guests of other hosts: known by their addresses. */
function writeMembers({ id, entries }: AddressSet, set: number): string[] {
  return entries.map((address, index) => {
    const name = `${id.slice(3)}-${index}`;
    const mac = `02:01:00:00:${hex(set)}:${hex(index)}`;
    return `  i-${name}: {interfaces: {eni-${name}: {host: elsewhere, device: tap${name}, network: vpc-a, mac: "${mac}", addresses: [${address}], groups: [${id}]}}}`;
  });
}

const hex = (byte: number): string => byte.toString(16).padStart(2, "0");

/** `forwarding`: of the network, where it is not the usual one. */
export function writeYaml({ rules, sets }: RuleSet, forwarding: "direct" | null): string {
  const groups = sets.filter(({ kind }) => kind === "group");
  const network = forwarding === null ? "" : `, forwarding: ${forwarding}`;
  return [
    "version: 1",
    `networks: {vpc-a: {type: vpc${network}}}`,
    "prefixLists:",
    ...sets.filter(({ kind }) => kind === "list").map(writeList),
    "groups:",
    ...groups.map(({ id }) => `  ${id}: {type: basic, network: vpc-a, innerAccess: drop, rules: []}`),
    "  sg-guests:",
    "    type: basic",
    "    network: vpc-a",
    "    innerAccess: drop",
    "    rules:",
    ...rules.map(writeRule),
    "instances:",
    ...groups.flatMap(writeMembers),
    ...guests.map(
      (guest) =>
        `  i-guest-${guest}: {interfaces: {eni-guest-${guest}: {device: ${tapOf(guest)}, network: vpc-a, mac: "${macOf(guest)}", addresses: [${addressOf(guest)}], groups: [sg-guests]}}}`,
    ),
    "",
  ].join("\n");
}
