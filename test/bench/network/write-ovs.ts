/**
 * The bench's rules as flows, as OpenStack's Open vSwitch driver lays them out (Neutron's contributor guide, "Open
 * vSwitch firewall driver"): anti-spoofing and conntrack by the port that a packet came from, then the rules of the port
 * that it goes to; remote groups are conjunctions.
 */
import { addressOf, guests, macOf } from "./guests.ts";
import type { AddressSet, BenchRule, RuleSet } from "./rules.ts";

const zone = 1;
const tables = { source: 0, egress: 72, ingress: 82 } as const;
const accepted = `ct(commit,zone=${zone}),NORMAL`;

/** A range of ports as OpenFlow can match it: values under masks. */
export function maskPorts(first: number, last: number): string[] {
  const parts: string[] = [];
  for (let at = first; at <= last; ) {
    let size = 1;
    while (at % (2 * size) === 0 && at + 2 * size - 1 <= last) size *= 2;
    parts.push(size === 1 ? String(at) : `0x${at.toString(16)}/0x${(0x10000 - size).toString(16)}`);
    at += size;
  }
  return parts;
}

const isNew = "ct_state=+new-est+trk";

/** What a flow matches, and its actions: flows that match the same are one. */
type Flows = Map<string, string[]>;

function addFlow(flows: Flows, match: string, action: string): void {
  const actions = flows.get(match);
  if (actions === undefined) flows.set(match, [action]);
  else actions.push(action);
}

/** Rules whose remote is a set: the set's addresses are one dimension of a conjunction, the rule's ports the other. */
function addConjunction(flows: Flows, id: number, rule: BenchRule, set: AddressSet): void {
  const head = `table=${tables.ingress},priority=70,${isNew},${rule.protocol}`;
  for (const entry of set.entries) addFlow(flows, `${head},nw_src=${entry}`, `conjunction(${id},1/2)`);
  for (const part of maskPorts(...rule.ports))
    addFlow(flows, `${head},tp_dst=${part}`, `conjunction(${id},2/2)`);
  addFlow(flows, `table=${tables.ingress},priority=70,conj_id=${id},${isNew},${rule.protocol}`, accepted);
}

function addRule(flows: Flows, rule: BenchRule, index: number, { sets }: RuleSet): void {
  const { remote, protocol, ports } = rule;
  if (remote.kind !== "prefix") {
    const set = sets.find(({ id }) => id === remote.id);
    if (set === undefined) throw new Error(`no set ${remote.id}`);
    addConjunction(flows, index + 1, rule, set);
    return;
  }
  const source = remote.prefix === "0.0.0.0/0" ? "" : `,nw_src=${remote.prefix}`;
  for (const part of maskPorts(...ports))
    addFlow(
      flows,
      `table=${tables.ingress},priority=77,${isNew},${protocol}${source},tp_dst=${part}`,
      accepted,
    );
}

function writeRules(set: RuleSet): string[] {
  const flows: Flows = new Map();
  for (const [index, rule] of set.rules.entries()) addRule(flows, rule, index, set);
  return [...flows].map(([match, actions]) => `${match} actions=${actions.join(",")}`);
}

/** The text for `ovs-ofctl replace-flows`; port N of the switch is guest N's. */
export function writeOvs(set: RuleSet): string {
  return [
    `table=${tables.source},priority=90,arp actions=NORMAL`,
    ...guests.map(
      (guest) =>
        `table=${tables.source},priority=80,in_port=${guest},dl_src=${macOf(guest)},ip,nw_src=${addressOf(guest)} actions=ct(table=${tables.egress},zone=${zone})`,
    ),
    `table=${tables.source},priority=0 actions=drop`,
    `table=${tables.egress},priority=50,ct_state=+inv+trk actions=drop`,
    `table=${tables.egress},priority=0 actions=resubmit(,${tables.ingress})`,
    `table=${tables.ingress},priority=90,ct_state=+est-rel-new-inv+trk actions=NORMAL`,
    `table=${tables.ingress},priority=80,ct_state=+rel-new-inv+trk actions=NORMAL`,
    ...writeRules(set),
    `table=${tables.ingress},priority=0 actions=drop`,
    "",
  ].join("\n");
}
