/** What the kernel layer tells of itself; plain data, the same object for tables and JSON. */
import type { Address, Direction } from "../model/model.ts";

export type InterfaceState = "enforcing" | "observing" | "not-ready" | "failed" | "absent";
export type AttachMode = "native" | "generic" | "tc";
export type SessionTableName = "opening" | "answered" | "established";

export interface TableFill {
  readonly table: SessionTableName;
  /** Entries alive by their timeout at the last sweep; null before the first one. */
  readonly entries: number | null;
  readonly limit: number;
  /** Sessions that were put into it, and those that could not be, since the interface came. */
  readonly inserted: number;
  readonly refused: number;
  /** Entries that gave way to others, as of the last sweep, since the agent began. */
  readonly evicted: number;
  /** Those of them that were alive, an estimate: see pressure.ts. */
  readonly evictedEarly: number;
}

/** How frames between guests of this host go. */
export interface ForwardingStatus {
  /** What its network asks for. */
  readonly wanted: "kernel" | "direct";
  /** `kernel`: by the bridge; `tc`: past the bridge, with their skbs; `xdp`: without, from where XDP is native. */
  readonly now: "kernel" | "tc" | "xdp";
  /** Why not what is wanted, or not all of it, and what to do; null: it is, or nothing is wanted. */
  readonly reason: string | null;
}

export interface InterfaceStatus {
  readonly interface: string;
  /** Its place in tables and counters. */
  readonly number: number;
  readonly device: string;
  /** 0: the device is absent. */
  readonly ifindex: number;
  readonly state: InterfaceState;
  readonly mode: AttachMode | null;
  /** Ids of the programs on the device, by hook. */
  readonly programs: Readonly<Record<"xdp" | "tcEgress" | "tcIngress", number | null>>;
  /** PolicySource.key of the policy in force. */
  readonly policy: bigint;
  readonly version: number;
  readonly generation: number;
  /** When what the kernel holds of its policy was last proven equal to the rules, RFC 3339; null: it is not. */
  readonly proven: string | null;
  readonly tables: readonly TableFill[];
  readonly forwarding: ForwardingStatus;
  /** What is wrong and what to do; null when nothing is. */
  readonly problem: string | null;
}

export interface MapFill {
  readonly map: string;
  readonly entries: number;
  readonly capacity: number;
}

export interface UplinkStatus {
  readonly device: string;
  readonly ifindex: number;
  readonly mode: "native" | "generic" | null;
  readonly addresses: number;
  readonly problem: string | null;
}

/** A device whose interface left the model: it keeps its program and drops everything. */
export interface RemovedDevice {
  readonly ifindex: number;
  readonly device: string;
}

/** A place of the maps that was not as the agent left it. */
export interface Difference {
  readonly map: string;
  /** The place, what stood there instead of what, and what that meant. */
  readonly message: string;
  /** Interfaces of this host that were judged by it. */
  readonly interfaces: readonly string[];
  /** It is as it was meant again. */
  readonly mended: boolean;
}

/** One look at everything that the programs judge by. */
export interface Verification {
  /** RFC 3339 */
  readonly time: string;
  readonly duration_ms: number;
  /** Versions of policies that were proven. */
  readonly policies: number;
  readonly differences: readonly Difference[];
  /** Why something could not be mended; null where all was, or nothing had to be. */
  readonly problem: string | null;
}

/** Since the agent began. */
export interface ProofStatus {
  /** Policies by what their proof said. */
  readonly policies: { readonly proven: number; readonly refused: number };
  readonly verifications: { readonly clean: number; readonly mended: number; readonly failed: number };
  /** How often a map differed. */
  readonly differences: Readonly<Record<string, number>>;
  readonly last: Verification | null;
  /** The last one that found a difference. */
  readonly lastDiffering: Verification | null;
}

export interface KernelStatus {
  readonly adopted: boolean;
  /** Digest of the loaded object file, hex. */
  readonly object: string;
  readonly hz: number;
  readonly generation: number;
  readonly interfaces: readonly InterfaceStatus[];
  readonly removed: readonly RemovedDevice[];
  readonly uplinks: readonly UplinkStatus[];
  readonly maps: readonly MapFill[];
  readonly proof: ProofStatus;
  /** Why leftovers of an earlier change could not be deleted at once; null when all were. They do no harm. */
  readonly leftovers?: string | null;
  readonly guard?: GuardStatus;
  /** Interfaces that keep smaller session tables than they would be given now, and what to do; null: none does. */
  readonly smallerTables?: string | null;
}

/** What of the status is counted from scrape to scrape: a part of it, since to describe thousands takes a while. */
export interface KernelFigures extends Pick<KernelStatus, "maps" | "proof" | "guard"> {
  readonly interfaces: readonly Pick<InterfaceStatus, "interface" | "state" | "proven" | "tables">[];
}

/** What the look of each second came to. */
export interface GuardStatus {
  /** How often pins had to be made again, since the agent began. */
  readonly restored: number;
  /** How many programs somebody took off devices, since the agent began; they were attached again. */
  readonly detached: number;
  /** How many programs somebody put another in place of, since the agent began; ours were put back. */
  readonly replaced: number;
  /** What cannot be put right yet: pins, or a device that does not follow the model; null: nothing. */
  readonly problem: string | null;
}

export interface ApplyReport {
  readonly generation: number;
  readonly entriesWritten: number;
  readonly slotsSwitched: number;
  readonly recordsSwitched: number;
  readonly duration_ms: number;
}

/** What became, or becomes, of a change that is to be confirmed. */
export interface ConfirmationStatus {
  /** `waiting`: the deadline is to come. */
  readonly state: "waiting" | "kept" | "reverted";
  /** Until the kernel goes back by itself; 0 when it is decided. */
  readonly remaining_seconds: number;
}

export interface Session {
  readonly interface: string;
  readonly table: SessionTableName;
  readonly local: Address;
  readonly remote: Address;
  readonly protocol: number;
  /** ICMP: the identifier, in both. */
  readonly localPort: number;
  readonly remotePort: number;
  /** ICMP: of the request, by which it is judged again; 0 elsewhere. */
  readonly icmpType: number;
  readonly icmpCode: number;
  /** Direction of the packet that opened it. */
  readonly origin: Direction;
  readonly state: SessionStateName;
  readonly revoked: boolean;
  /** An operator revoked it: no rules bring it back. */
  readonly ended: boolean;
  readonly age_seconds: number;
  readonly idle_seconds: number;
  /** Seconds until it is forgotten when nothing comes; null: never (a revoked TCP session). */
  readonly expires_seconds: number | null;
  readonly packets: number;
  readonly bytes: bigint;
  /** Number of the rule on the side of its origin; null where none let it in, or the policy changed since. */
  readonly rule: number | null;
  readonly reason: string;
}

export type SessionStateName =
  | "tcp-opening"
  | "tcp-established"
  | "tcp-closing"
  | "udp-unreplied"
  | "udp-replied"
  | "icmp"
  | "others"
  | "fragment";

/** Which sessions to end; a key left out means every value. */
export interface SessionFilter {
  readonly interface?: string;
  readonly protocol?: number;
  readonly local?: Address;
  readonly remote?: Address;
  readonly localPort?: number;
  readonly remotePort?: number;
}

export interface PacketCounter {
  readonly interface: string;
  readonly direction: Direction;
  readonly verdict: "accept" | "drop";
  readonly reason: string;
  readonly packets: bigint;
  readonly bytes: bigint;
}

/** Events that the listener will never see, since the maps were made. */
export interface LostEvents {
  /** The ring buffer was full. */
  readonly full: bigint;
  /** Beyond eventsPerSecond. */
  readonly rate: bigint;
}

export interface PacketEvent {
  /** CLOCK_MONOTONIC, ns. */
  readonly time: bigint;
  /** null: no longer in the model. */
  readonly interface: string | null;
  readonly direction: Direction;
  readonly verdict: "accept" | "drop";
  readonly reason: string;
  readonly hook: "xdp" | "tc-egress" | "tc-ingress" | "uplink";
  readonly rule: number | null;
  readonly version: number;
  readonly length: number;
  readonly sourceMac: string;
  readonly destinationMac: string;
  readonly etherType: number;
  readonly protocol: number;
  readonly tcpFlags: number;
  readonly source: Address | null;
  readonly destination: Address | null;
  readonly sourcePort: number;
  readonly destinationPort: number;
  readonly icmpType: number;
  readonly icmpCode: number;
}

export type SessionUse = "none" | "new" | "established" | "related";

/** What the programs answered to one packet. */
export interface PacketVerdict {
  readonly verdict: "accept" | "drop";
  readonly reason: string;
  readonly session: SessionUse;
  /** Number of the rule on `ruleSide`, or null. */
  readonly rule: number | null;
  readonly ruleSide: Direction;
  /** The policy's place in rw_policies; 0: none judged. */
  readonly version: number;
}
