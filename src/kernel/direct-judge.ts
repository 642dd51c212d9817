/** Where a frame may go past its bridge, because the bridge would do nothing else with it. Pure. */
import type { Interface, Mac } from "../model/model.ts";
import type { Resolved } from "../policy/types.ts";
import { formatMac, macBytes } from "./addresses.ts";
import type { DirectFacts } from "./direct-facts.ts";
import type { PortInfo } from "./native.ts";

/** BR_STATE_FORWARDING */
const forwarding = 3;
/** Shorter, and a bridge could forget a sender between two frames that it is shown. Seconds. */
const shortestAgeing = 3;
const ethernetBytes = 14;
/** They send at once what they get, in order: going past them changes nothing. */
const plainQdiscs: ReadonlySet<string> = new Set([
  "noqueue",
  "pfifo_fast",
  "pfifo",
  "bfifo",
  "fq_codel",
  "sfq",
  "mq",
  "clsact",
  "ingress",
]);

/** A port whose guest may be reached directly. */
export interface DirectPort {
  readonly ifindex: number;
  /** ifindex of its bridge. */
  readonly bridge: number;
  readonly mac: Uint8Array;
  /** Of the longest frame that the bridge hands to it, bytes. */
  readonly length: number;
  /** Why frames for it need an skb; null: they go as XDP frames. */
  readonly needsSkb: string | null;
}

export interface Candidate {
  readonly ifindex: number;
  /** The device's name. */
  readonly device: string;
  readonly interface: Interface;
  /** Null: its programs are on; else what is wrong. */
  readonly problem: string | null;
}

/** Why a device's frames have to go the bridge's way; null: they may go past it. `nameOf`: of a device. */
export function whyNotPast(
  { ifindex, device }: Pick<Candidate, "ifindex" | "device">,
  facts: DirectFacts,
  ours: ReadonlySet<number>,
  nameOf: (ifindex: number) => string,
): string | null {
  const link = facts.ports.get(ifindex);
  const master = link === undefined ? undefined : facts.ports.get(link.master);
  if (link?.port == null || master?.bridge == null)
    return `${device} is no port of a bridge of the kernel's (ip link set ${device} master BRIDGE): its frames are routed or switched by others`;
  const bridge = nameOf(link.master);
  const why = whyNotBridge(master, master.bridge, bridge, facts) ?? whyNotPort(link.port, device, bridge);
  if (why !== null) return why;
  return facts.othersAt(ifindex, ours)
    ? `other programs or filters stand at the tc hooks of ${device} (bpftool net show dev ${device}; tc filter show dev ${device} ingress), and would be jumped over: remove them`
    : null;
}

function whyNotBridge(
  { up }: PortInfo,
  { vlanFiltering, ageing, callsNetfilter }: NonNullable<PortInfo["bridge"]>,
  bridge: string,
  { netfilter }: DirectFacts,
): string | null {
  if (!up) return `${bridge} is down (ip link set ${bridge} up)`;
  if (vlanFiltering)
    return `${bridge} filters VLANs, which only the bridge can judge (ip link set ${bridge} type bridge vlan_filtering 0)`;
  if (netfilter.length > 0)
    return `netfilter sees bridged packets: where no rule is meant for them, set ${netfilter.map((name) => `${name}=0`).join(" ")} (sysctl -w)`;
  if (callsNetfilter)
    return `${bridge} hands its packets to netfilter: where no rule is meant for them, ip link set ${bridge} type bridge nf_call_iptables 0 nf_call_ip6tables 0 nf_call_arptables 0`;
  if (ageing < shortestAgeing)
    return `${bridge} forgets MACs after ${ageing} s: let it be ${shortestAgeing} s at least (ip link set ${bridge} type bridge ageing_time ${shortestAgeing * 100})`;
  return null;
}

function whyNotPort(
  { state, hairpin, isolated, locked, learning }: NonNullable<PortInfo["port"]>,
  device: string,
  bridge: string,
): string | null {
  if (state !== forwarding)
    return `${device} does not forward on ${bridge} (bridge link show dev ${device}): it waits for its carrier, for STP, or is blocked`;
  const odd = [
    ...(hairpin ? ["hairpin on"] : []),
    ...(isolated ? ["isolated on"] : []),
    ...(locked ? ["locked on"] : []),
    ...(learning ? [] : ["learning off"]),
  ];
  return odd.length === 0
    ? null
    : `${device} is a port of ${bridge} with ${odd.join(", ")}, which only the bridge can follow (bridge link set dev ${device} …)`;
}

/** Why a device that may be reached directly takes no frames without skbs; null: it does. */
export function whySkb(ifindex: number, device: string, facts: DirectFacts): string | null {
  const shaping = facts.qdiscs.get(ifindex)?.filter((kind) => !plainQdiscs.has(kind)) ?? [];
  if (shaping.length > 0)
    return `${device} has a queueing discipline that XDP would jump over (${shaping[0]})`;
  if (facts.xdpTargets === null) return "this kernel does not say which devices take XDP frames (6.3 does)";
  return facts.xdpTargets.has(ifindex)
    ? null
    : `${device} takes no XDP frames: of a veth, switch GRO on at the guest's end (ethtool -K DEVICE gro on)`;
}

/** Why the tag of a frame that is sent there might get lost; null: it has none. */
export function whyTags({ vlans }: Interface): string | null {
  return vlans.length === 0
    ? null
    : `it lists VLANs (${vlans.join(", ")}), and a device may keep a frame's tag from XDP (VLAN offload), which would lose it past the bridge`;
}

/** Who else may have a MAC. */
export interface MacHolders {
  /** MAC -> interfaces of this host that have it. */
  readonly owners: ReadonlyMap<Mac, readonly string[]>;
  /** network and MAC -> interfaces that may take it over (allowedAddressPairs), on whatever host. */
  readonly takers: ReadonlyMap<string, readonly string[]>;
  /** Of the host's own devices, as text. */
  readonly hosts: ReadonlySet<string>;
}

const takerKey = (network: string, mac: Mac): string => `${network} ${mac}`;

export function indexMacs(resolved: Resolved, hosts: ReadonlySet<string>): MacHolders {
  const owners = new Map<Mac, string[]>();
  for (const { interface: own } of resolved.interfaces) append(owners, own.mac, own.id);
  const takers = new Map<string, string[]>();
  for (const { id, network, allowedAddressPairs } of resolved.model.interfaces.values())
    for (const { mac } of allowedAddressPairs) if (mac !== null) append(takers, takerKey(network, mac), id);
  return { owners, takers, hosts };
}

function append<Key>(map: Map<Key, string[]>, key: Key, value: string): void {
  const list = map.get(key);
  if (list === undefined) map.set(key, [value]);
  else list.push(value);
}

/** Why nobody can say that a MAC is at this device and nowhere else; null: it is. */
export function whyNotHere(own: Interface, { owners, takers, hosts }: MacHolders): string | null {
  const mac = formatMac(macBytes(own.mac));
  if (own.hosts.length > 1)
    return `it is on ${own.hosts.join(" and ")}, and the bridge learns where it is now`;
  if (hosts.has(mac)) return `a device of the host itself has its MAC ${mac}: give the guest another`;
  const others = [...(owners.get(own.mac) ?? []), ...(takers.get(takerKey(own.network, own.mac)) ?? [])];
  const other = others.find((id) => id !== own.id);
  return other === undefined ? null : `${other} has, or may take over, the same MAC ${mac}`;
}

/** The port, as far as programs need to know it. */
export function portOf(
  { ifindex, device, interface: own }: Candidate,
  facts: DirectFacts,
): DirectPort | null {
  const link = facts.ports.get(ifindex);
  if (link === undefined) return null;
  return {
    ifindex,
    bridge: link.master,
    mac: macBytes(own.mac),
    length: link.mtu + ethernetBytes,
    needsSkb: whySkb(ifindex, device, facts),
  };
}
