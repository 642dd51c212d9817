/** How a host enforces: what the agent's configuration says, in the units of the kernel layer. */
import type { SessionSizes } from "../model/model.ts";
import { SessionState, SettingFlag, type SettingsStruct } from "./layout.gen.ts";

export type AttachChoice = "auto" | "native" | "generic" | "tc";

/** Idle times, seconds, each 1..910. */
export interface Timeouts {
  readonly tcpEstablished: number;
  readonly tcpOpening: number;
  readonly tcpClosing: number;
  readonly udpReplied: number;
  readonly udpUnreplied: number;
  readonly icmp: number;
  readonly others: number;
}

export interface Uplink {
  readonly device: string;
  /** Ids of the networks that it carries; null: all. */
  readonly networks: readonly string[] | null;
}

export interface KernelSettings {
  readonly attach: AttachChoice;
  readonly onFailure: "closed" | "open";
  readonly establishedSessions: "revalidate" | "keep";
  readonly midstream: "pickup" | "drop";
  /** Entries of each table of an interface, before they are shrunk to fit `memoryShare`. */
  readonly sessions: SessionSizes;
  /** Share of the host's RAM for all session tables together, 0..1. */
  readonly memoryShare: number;
  readonly timeouts: Timeouts;
  readonly eventsPerSecond: number;
  readonly alwaysPerSecond: number;
  readonly uplinks: readonly Uplink[];
}

/** A first fragment's verdict is remembered this long, seconds (docs/semantics.md, Fragments). */
const fragmentSeconds = 30;
/** A DHCP server's answer is expected this long after a request, seconds (docs/semantics.md). */
const dhcpSeconds = 60;

/** The defaults of docs/interface: what an empty agent.yaml means. */
export const defaultSettings: KernelSettings = {
  attach: "auto",
  onFailure: "closed",
  establishedSessions: "revalidate",
  midstream: "pickup",
  sessions: { established: 16384, answered: 8192, opening: 4096 },
  memoryShare: 0.02,
  timeouts: {
    tcpEstablished: 910,
    tcpOpening: 30,
    tcpClosing: 10,
    udpReplied: 180,
    udpUnreplied: 30,
    icmp: 60,
    others: 300,
  },
  eventsPerSecond: 100,
  alwaysPerSecond: 1000,
  uplinks: [],
};

/** rw_settings' value. `hz`: jiffies per second; `taiOffset`: CLOCK_TAI - CLOCK_REALTIME, s. */
export function encodeSettings(settings: KernelSettings, hz: number, taiOffset: number): SettingsStruct {
  const timeouts = new Array<number>(SessionState.STATES_MAX).fill(0);
  const { timeouts: seconds } = settings;
  timeouts[SessionState.STATE_TCP_OPENING] = seconds.tcpOpening * hz;
  timeouts[SessionState.STATE_TCP_ESTABLISHED] = seconds.tcpEstablished * hz;
  timeouts[SessionState.STATE_TCP_CLOSING] = seconds.tcpClosing * hz;
  timeouts[SessionState.STATE_UDP_UNREPLIED] = seconds.udpUnreplied * hz;
  timeouts[SessionState.STATE_UDP_REPLIED] = seconds.udpReplied * hz;
  timeouts[SessionState.STATE_ICMP] = seconds.icmp * hz;
  timeouts[SessionState.STATE_OTHERS] = seconds.others * hz;
  timeouts[SessionState.STATE_FRAGMENT] = fragmentSeconds * hz;
  return {
    hz,
    flags:
      (settings.establishedSessions === "keep" ? SettingFlag.SETTING_KEEP : 0) |
      (settings.midstream === "drop" ? SettingFlag.SETTING_MIDSTREAM_DROP : 0) |
      (settings.onFailure === "open" ? SettingFlag.SETTING_FAIL_OPEN : 0),
    timeouts,
    dhcpWindow: dhcpSeconds * hz,
    alwaysPerSecond: settings.alwaysPerSecond,
    eventsPerSecond: settings.eventsPerSecond,
    taiOffset,
  };
}
