/** The lanes: what may stand between two guests of a host, nothing, a peer or Ringwall. */
import { existsSync } from "node:fs";
import type { Bed } from "./guests.ts";
import { openBridge, openIptables, openNftables } from "./netfilter.ts";
import { hasOvs, openOvs } from "./ovs.ts";
import { openLookUps, openRedirect } from "./redirect.ts";
import { openRingwall, type RingwallChoice } from "./ringwall.ts";
import type { RuleSet } from "./rules.ts";
import type { Tools } from "./tools.ts";

/** One that is open. */
export interface Lane {
  /** Puts rules in force; established sessions go on. */
  setRules(rules: RuleSet): Promise<void>;
  /** Forgets all sessions, where they would fill a table up. */
  forget(): void;
  /** Of the frames that passed since it was last asked, those of sessions that were there; null: it does not tell. */
  sessionShare(): number | null;
  close(): Promise<void>;
}

export interface LaneKind {
  /** For namespaces and devices: at most five letters. */
  readonly short: string;
  /** Its guests are on a Linux bridge. */
  readonly bridged: boolean;
  /** Guests with a stack can talk through it. */
  readonly stack: boolean;
  /** What it has no time for it leaves out, so that of many flows not each is opened. */
  readonly lossy?: boolean;
  /** Closes what it made when it throws. */
  readonly open: (bed: Bed, tools: Tools) => Promise<Lane>;
}

/** Programs that are not everywhere. */
const onPath = (name: string): boolean =>
  ["/usr/sbin", "/sbin", "/usr/bin", "/bin"].some((folder) => existsSync(`${folder}/${name}`));

export type LaneKinds = Readonly<Record<string, LaneKind>>;

const ringwall = (short: string, choice: RingwallChoice): LaneKind => ({
  short,
  bridged: true,
  // Native XDP on a veth switches segmentation offload off at its peer, so `attach: auto` chooses tc there.
  stack: choice.attach === "tc",
  open: (bed, tools) => openRingwall(bed, choice, tools),
});

/** Lanes that need no package which the tests do not need. */
export const alwaysAvailable: LaneKinds = {
  "no firewall": { short: "plain", bridged: true, stack: true, open: openBridge },
  "redirect without a verdict": { short: "redir", bridged: false, stack: false, open: openRedirect },
  "look-ups without a verdict": { short: "looks", bridged: true, stack: false, open: openLookUps },
  "Ringwall, native": ringwall("rwnat", { attach: "native", forwarding: null }),
  "Ringwall, tc": ringwall("rwtc", { attach: "tc", forwarding: null }),
  "Ringwall, direct, native": ringwall("rwdn", { attach: "native", forwarding: "direct" }),
  "Ringwall, direct, tc": ringwall("rwdtc", { attach: "tc", forwarding: "direct" }),
  nftables: { short: "nft", bridged: true, stack: true, open: openNftables },
};

/** Every lane that this machine has the programs for, by its name. */
export function availableLanes(progress: (text: string) => void): LaneKinds {
  const lanes: Record<string, LaneKind> = { ...alwaysAvailable };
  if (["iptables-legacy-restore", "ipset"].every(onPath))
    lanes["iptables + ipset"] = { short: "ipt", bridged: true, stack: true, open: openIptables };
  else progress("left out: iptables + ipset, which are not installed");
  if (hasOvs())
    lanes["Open vSwitch"] = { short: "ovs", bridged: false, stack: true, lossy: true, open: openOvs };
  else progress("left out: Open vSwitch, which is not installed");
  return lanes;
}
