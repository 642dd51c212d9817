/** A sequence script as data: what README.md of this folder says in words. */
import type { KernelSettings } from "../../src/kernel/settings.ts";
import type { Direction, Family } from "../../src/model/model.ts";
import type { Setting } from "../semantics/setting.ts";

/** The errors of ICMP and ICMPv6 that quote a packet, and the redirect of IPv4. */
export const errorNames = [
  "unreachable",
  "too-big",
  "time-exceeded",
  "parameter-problem",
  "redirect",
] as const;
export type ErrorName = (typeof errorNames)[number];

/** Messages of neighbour discovery and multicast listener discovery (IPv6). */
export const neighbourNames = [
  "neighbour-solicitation",
  "neighbour-advertisement",
  "router-solicitation",
  "router-advertisement",
  "listener-query",
  "listener-report",
  "listener-report-v2",
  "nd-redirect",
] as const;
export type NeighbourName = (typeof neighbourNames)[number];

export const echoNames = ["echo", "echo-reply", "timestamp", "timestamp-reply"] as const;
export type EchoName = (typeof echoNames)[number];

export interface Ports {
  readonly source: number;
  readonly destination: number;
}

export type Body =
  | {
      readonly kind: "tcp";
      readonly ports: Ports;
      /** Letters of F S R P A U E C; "": none. */
      readonly flags: string;
      readonly sequence: number;
      /** Bytes of data. */
      readonly length: number;
      readonly acknowledgement: number;
    }
  | { readonly kind: "udp"; readonly ports: Ports; readonly length: number }
  | { readonly kind: "echo"; readonly name: EchoName; readonly identifier: number; readonly length: number }
  | { readonly kind: "protocol"; readonly number: number; readonly length: number }
  | { readonly kind: "neighbour"; readonly name: NeighbourName }
  | {
      readonly kind: "error";
      readonly name: ErrorName;
      /** `too-big`: the MTU; else the code. */
      readonly value: number;
      /** Label of the packet that it quotes. */
      readonly quoted: string;
      /** Bytes behind the quoted IP header that are left; null: all. */
      readonly cut: number | null;
    };

/** What stands between the IP header and the transport, or in IPv4's options. */
export const extraNames = [
  "options",
  "alert",
  "source-route",
  "destination-options",
  "chain",
  "hip",
] as const;
export type ExtraName = (typeof extraNames)[number];

export interface PacketSpec {
  readonly direction: Direction;
  readonly body: Body;
  /** By which later lines name it; null: none. */
  readonly label: string | null;
  readonly on: string;
  /** Names of places.ts or addresses; null: the interface's own, and `peer`. */
  readonly from: string | null;
  readonly to: string | null;
  readonly extra: ExtraName | null;
  /** Bytes of the datagram that this fragment holds, behind the IP header: from `first` up to `end`. */
  readonly part: { readonly first: number; readonly end: number; readonly id: number } | null;
  /** TTL, or hop limit; null: 64. */
  readonly hops: number | null;
  readonly wrongChecksum: boolean;
}

interface Timed {
  /** Line of the file; 0: none. */
  readonly line: number;
  /** Seconds since the script's beginning, in eighths. */
  readonly time: number;
}

/** A state as `session` lines name it. */
export const stateNames = [
  "none",
  "opening",
  "established",
  "closing",
  "unreplied",
  "replied",
  "icmp",
  "others",
  "revoked",
] as const;
export type StateName = (typeof stateNames)[number];

export interface PacketStep extends Timed {
  readonly kind: "packet";
  readonly packet: PacketSpec;
  /** "accept rule new": verdict, reason, session. */
  readonly expect: string;
}

export interface SessionStep extends Timed {
  readonly kind: "session";
  /** The packet whose session it is, and what of it the line names: null: the last packet. */
  readonly packet: PacketSpec;
  readonly of: string | null;
  readonly state: StateName;
  /** Seconds that are left; null: not asked. */
  readonly expires: number | null;
}

export interface ChangeStep extends Timed {
  readonly kind: "change";
  readonly setting: ScriptSetting;
}

export type ScriptStep = PacketStep | SessionStep | ChangeStep;

/** What of a model a script may say: rules of the group of eni-1 and eni-2, and its default egress. */
export interface ScriptSetting {
  readonly rules: readonly string[];
  readonly defaultEgress: "accept" | "drop";
  readonly innerAccess: "accept" | "drop";
}

export type ScriptSettings = Pick<KernelSettings, "midstream" | "establishedSessions" | "timeouts">;

export interface Script {
  readonly file: string;
  /** Ids of requirements.ts. */
  readonly asks: readonly string[];
  /** Where we do otherwise than asked: what docs/departures.md says at length. */
  readonly departs: readonly string[];
  readonly families: readonly Family[];
  readonly settings: ScriptSettings;
  readonly setting: ScriptSetting;
  readonly steps: readonly ScriptStep[];
}

export function settingOf({ rules, defaultEgress, innerAccess }: ScriptSetting): Setting {
  return { rules, group: { defaultEgress, innerAccess } };
}

/** Interface and direction of whoever sends. */
export const senders = { ">": "egress", "<": "ingress" } as const satisfies Record<string, Direction>;
