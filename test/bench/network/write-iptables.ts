/**
 * The bench's rules as OpenStack's iptables driver lays them out (Neutron's contributor guide, "Open vSwitch firewall
 * driver" and "iptables"): bridged packets enter FORWARD, are sorted by the bridge's port with physdev, and each port has
 * a chain for either direction, in which RETURN lets pass; conntrack's state stands before the rules, remote groups are
 * ipsets.
 */
import { addressOf, type Guest, guests, macOf, tapOf } from "./guests.ts";
import type { BenchRule, RuleSet } from "./rules.ts";

const setName = (id: string): string => `NIPv4${id}`;

/** The text for `ipset restore`. */
export function writeIpset({ sets }: RuleSet): string {
  return sets
    .flatMap(({ id, entries }) => [
      `create ${setName(id)} hash:net`,
      ...entries.map((entry) => `add ${setName(id)} ${entry}`),
    ])
    .map((line) => `${line}\n`)
    .join("");
}

function writeRemote({ remote }: BenchRule): string {
  if (remote.kind !== "prefix") return ` -m set --match-set ${setName(remote.id)} src`;
  return remote.prefix === "0.0.0.0/0" ? "" : ` -s ${remote.prefix}`;
}

function writeRule(chain: string, rule: BenchRule): string {
  const [first, last] = rule.ports;
  const ports =
    first === last ? ` -m ${rule.protocol} --dport ${first}` : ` -m multiport --dports ${first}:${last}`;
  return `-A ${chain}${writeRemote(rule)} -p ${rule.protocol}${ports} -j RETURN`;
}

function writeIngress(guest: Guest, { rules }: RuleSet): string[] {
  const chain = `i-${tapOf(guest)}`;
  return [
    `-A ${chain} -m state --state RELATED,ESTABLISHED -j RETURN`,
    ...rules.map((rule) => writeRule(chain, rule)),
    `-A ${chain} -m state --state INVALID -j DROP`,
    `-A ${chain} -j sg-fallback`,
  ];
}

function writeEgress(guest: Guest): string[] {
  const [chain, spoofing] = [`o-${tapOf(guest)}`, `s-${tapOf(guest)}`];
  return [
    `-A ${spoofing} -s ${addressOf(guest)}/32 -m mac --mac-source ${macOf(guest)} -j RETURN`,
    `-A ${spoofing} -j DROP`,
    `-A ${chain} -s 0.0.0.0/32 -d 255.255.255.255/32 -p udp -m udp --sport 68 --dport 67 -j RETURN`,
    `-A ${chain} -j ${spoofing}`,
    `-A ${chain} -p udp -m udp --sport 68 --dport 67 -j RETURN`,
    `-A ${chain} -p udp -m udp --sport 67 --dport 68 -j DROP`,
    `-A ${chain} -m state --state RELATED,ESTABLISHED -j RETURN`,
    `-A ${chain} -j RETURN`,
    `-A ${chain} -m state --state INVALID -j DROP`,
    `-A ${chain} -j sg-fallback`,
  ];
}

/** The text for `iptables-restore`; the sets have to be there. */
export function writeIptables(set: RuleSet): string {
  const taps = guests.map(tapOf);
  const physdev = (end: "in" | "out", tap: string) =>
    `-m physdev --physdev-${end} ${tap} --physdev-is-bridged`;
  return [
    "*filter",
    ":INPUT ACCEPT [0:0]",
    ":FORWARD ACCEPT [0:0]",
    ":OUTPUT ACCEPT [0:0]",
    ...["sg-chain", "sg-fallback", ...taps.flatMap((tap) => [`i-${tap}`, `o-${tap}`, `s-${tap}`])].map(
      (chain) => `:${chain} - [0:0]`,
    ),
    ...taps.flatMap((tap) => [
      `-A FORWARD ${physdev("out", tap)} -j sg-chain`,
      `-A FORWARD ${physdev("in", tap)} -j sg-chain`,
    ]),
    ...taps.flatMap((tap) => [
      `-A sg-chain ${physdev("out", tap)} -j i-${tap}`,
      `-A sg-chain ${physdev("in", tap)} -j o-${tap}`,
    ]),
    "-A sg-chain -j ACCEPT",
    "-A sg-fallback -j DROP",
    ...guests.flatMap((guest) => [...writeIngress(guest, set), ...writeEgress(guest)]),
    "COMMIT",
    "",
  ].join("\n");
}
