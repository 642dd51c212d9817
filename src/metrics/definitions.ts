/** Every metric of Ringwall's own, once: the registry, docs/metrics.md and their tests are made from this table. */

export interface Definition {
  readonly name: string;
  readonly type: "counter" | "gauge" | "histogram";
  readonly labels: readonly string[];
  readonly help: string;
  /** For the docs: what it is good for, or where it comes from. */
  readonly note: string;
}

export const definitions = {
  packets: {
    name: "ringwall_packets_total",
    type: "counter",
    labels: ["interface", "direction", "verdict", "reason"],
    help: "Packets judged.",
    note: "Direction is the guest's: egress is what it sends. A GSO packet counts once. Series only where not zero.",
  },
  bytes: {
    name: "ringwall_bytes_total",
    type: "counter",
    labels: ["interface", "direction", "verdict", "reason"],
    help: "Bytes of the packets judged, whole frames without FCS.",
    note: "Series only where not zero.",
  },
  conntrackEntries: {
    name: "ringwall_conntrack_entries",
    type: "gauge",
    labels: ["interface", "table"],
    help: "Sessions alive in a table of an interface, counted each minute.",
    note: "Tables: `opening`, `answered`, `established`. Series only where not zero.",
  },
  conntrackLimit: {
    name: "ringwall_conntrack_entries_limit",
    type: "gauge",
    labels: ["interface", "table"],
    help: "Sessions that a table of an interface holds.",
    note: "Of `opening` a quarter more than its size. The usual conntrack alert: `ringwall_conntrack_entries / ringwall_conntrack_entries_limit > 0.9`.",
  },
  conntrackInserts: {
    name: "ringwall_conntrack_inserts_total",
    type: "counter",
    labels: ["interface", "table"],
    help: "Sessions put into a table of an interface.",
    note: "A session that is answered, or established, is put into a second one. Series only where not zero.",
  },
  conntrackInsertFailures: {
    name: "ringwall_conntrack_insert_failures_total",
    type: "counter",
    labels: ["interface", "table"],
    help: "Sessions that could not be put into a table of an interface.",
    note: "Of table `opening` the packet is dropped (`table-full`); of the others the session stays where it is, and its next packet tries again. Series only where not zero.",
  },
  conntrackEvictions: {
    name: "ringwall_conntrack_evictions_total",
    type: "counter",
    labels: ["interface", "table"],
    help: "Entries of a full table that gave way to new ones, counted each minute.",
    note: "The longest silent goes first (of `opening` the longest of sixteen), and most have long expired. What was inserted and neither removed nor is there: exact. Series only where not zero.",
  },
  conntrackEarlyEvictions: {
    name: "ringwall_conntrack_early_evictions_total",
    type: "counter",
    labels: ["interface", "table"],
    help: "Entries among the evicted that were alive, an estimate made each minute.",
    note: "The evicted times the share of those left whose timeout is longer than the longest silence among them. A flood of the interface, or a table that is too small for it (`sessions`). Series only where not zero.",
  },
  mapEntries: {
    name: "ringwall_map_entries",
    type: "gauge",
    labels: ["map"],
    help: "Entries in use in a map of the kernel.",
    note: "Policies, prefixes, identities and the like of the whole host.",
  },
  mapCapacity: {
    name: "ringwall_map_capacity",
    type: "gauge",
    labels: ["map"],
    help: "Entries that a map of the kernel holds.",
    note: "A change that does not fit is refused before anything is written.",
  },
  groups: {
    name: "ringwall_groups",
    type: "gauge",
    labels: [],
    help: "Groups in the rules in force.",
    note: "With the default groups that had to be made.",
  },
  rules: {
    name: "ringwall_rules",
    type: "gauge",
    labels: [],
    help: "Rules in the rules in force.",
    note: "Of all groups together, as written.",
  },
  interfaces: {
    name: "ringwall_interfaces",
    type: "gauge",
    labels: ["state"],
    help: "Interfaces of this host by state.",
    note: "States: `enforcing`, `observing`, `not-ready`, `failed`. Anything in `failed` wants a look at `ringwall status`.",
  },
  policyRevision: {
    name: "ringwall_policy_revision",
    type: "gauge",
    labels: [],
    help: "Number of the rules in force; it grows with each change and is kept over restarts.",
    note: "0: nothing was applied yet.",
  },
  applyDuration: {
    name: "ringwall_apply_duration_seconds",
    type: "histogram",
    labels: [],
    help: "Time from the check of a change to its being in force, seconds.",
    note: "Changes that were applied only.",
  },
  applies: {
    name: "ringwall_applies_total",
    type: "counter",
    labels: ["result"],
    help: "Changes by result.",
    note: "Results: `applied`, `unchanged`, `refused` (the rules are wrong), `failed` (the kernel or the store refused), `reverted` (taken back, because it was not confirmed).",
  },
  reloadPending: {
    name: "ringwall_reload_pending",
    type: "gauge",
    labels: ["what"],
    help: "1 while an edit is not in force for a reason that is not its own, and is tried again.",
    note: "What: `rules`, `settings` (agent.yaml). The kernel or the disk failed; tried again after a second, ever more rarely, at least once a minute.",
  },
  proofs: {
    name: "ringwall_proofs_total",
    type: "counter",
    labels: ["result"],
    help: "Policies read back from the kernel and held against their rules, for every packet.",
    note: "Results: `proven`, `refused`. A change with a refused policy does not take effect; one that is refused later is written anew.",
  },
  verifications: {
    name: "ringwall_verifications_total",
    type: "counter",
    labels: ["result"],
    help: "Looks at everything that the kernel programs judge by, once a minute and on demand.",
    note: "Results: `clean`, `mended` (something else had changed a map), `failed` (and it could not be mended).",
  },
  differences: {
    name: "ringwall_map_differences_total",
    type: "counter",
    labels: ["map"],
    help: "Places of a map that were not as the agent left them.",
    note: "Anything but absence wants a look at `ringwall status` and at who has CAP_BPF on the host.",
  },
  restored: {
    name: "ringwall_pins_restored_total",
    type: "counter",
    labels: [],
    help: "Looks, one a second, that found pins or the bpffs taken away, and made them again.",
    note: "Nothing is detached while the agent runs; without it, the host would be open.",
  },
  detached: {
    name: "ringwall_programs_detached_total",
    type: "counter",
    labels: [],
    help: "Programs that something else took off devices; they were attached again within a second.",
    note: "Packets passed unjudged meanwhile: find out who does that.",
  },
  replaced: {
    name: "ringwall_programs_replaced_total",
    type: "counter",
    labels: [],
    help: "Programs on devices that something else put another in place of; ours were put back within a second.",
    note: "Packets passed as the other program let them meanwhile: find out who does that.",
  },
  interfacesProven: {
    name: "ringwall_interfaces_proven",
    type: "gauge",
    labels: [],
    help: "Interfaces of this host whose policy in force is proven on what the kernel holds.",
    note: "Alert where it stays below the interfaces that enforce or observe.",
  },
  eventsLost: {
    name: "ringwall_events_lost_total",
    type: "counter",
    labels: [],
    help: "Drop events that no reader saw: beyond eventsPerSecond, or the ring buffer was full.",
    note: "The drops themselves are in `ringwall_packets_total`, whole.",
  },
  agentInfo: {
    name: "ringwall_agent_info",
    type: "gauge",
    labels: ["version", "kernel"],
    help: "Always 1; the labels say which agent runs on which kernel.",
    note: "",
  },
} as const satisfies Readonly<Record<string, Definition>>;

export type MetricName = keyof typeof definitions;
