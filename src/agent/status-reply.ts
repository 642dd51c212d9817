/** What `status` says. */
import * as z from "zod";

const count = z.number().int().nonnegative();

const tableFill = z.object({
  table: z.string(),
  entries: count.nullable(),
  limit: count,
  /** Sessions put in, and those that found no room; entries that gave way, and an estimate of how many were alive. */
  inserted: count,
  refused: count,
  evicted: count,
  evictedEarly: count,
});

const interfaceStatus = z.object({
  id: z.string(),
  instance: z.string(),
  network: z.string(),
  groups: z.array(z.string()),
  device: z.string(),
  /** null: the device is absent. */
  ifindex: count.nullable(),
  state: z.enum(["enforcing", "observing", "not-ready", "failed", "absent"]),
  /** How its programs are attached: native, generic, tc. */
  mode: z.string().nullable(),
  /** Ids of the programs, by hook. */
  programs: z.object({ xdp: count.nullable(), tcEgress: count.nullable(), tcIngress: count.nullable() }),
  policy: z.object({ version: count, generation: count }),
  /** When what the kernel holds of its policy was last proven equal to the rules; null: it is not. */
  proven: z.string().nullable(),
  /** Entries are null before the first sweep. */
  sessions: z.array(tableFill),
  /** How frames between guests of this host go: what its network asks for, what is done now, and why not all. */
  forwarding: z.object({
    wanted: z.enum(["kernel", "direct"]),
    now: z.enum(["kernel", "tc", "xdp"]),
    reason: z.string().nullable(),
  }),
  /** What is wrong with it, and what to do. */
  problem: z.string().nullable(),
});

const uplinkStatus = z.object({
  device: z.string(),
  ifindex: count.nullable(),
  mode: z.string().nullable(),
  addresses: count,
  problem: z.string().nullable(),
});

const verification = z.object({
  time: z.string(),
  seconds: z.number(),
  /** Policies that were proven. */
  policies: count,
  /** What was not as the agent left it. */
  differences: z.array(
    z.object({ map: z.string(), message: z.string(), interfaces: z.array(z.string()), mended: z.boolean() }),
  ),
  /** Why something could not be mended. */
  problem: z.string().nullable(),
});

const proofStatus = z.object({
  /** Interfaces of this host whose policy in force is proven on what the kernel holds, of so many. */
  interfaces: count,
  of: count,
  /** The last look at everything that the programs judge by; null before the first. */
  verified: verification.nullable(),
  /** The last one that found a difference. */
  differed: verification.nullable(),
});

const refusedChange = z.object({ time: z.string(), messages: z.array(z.string()) });

/** A change that goes back by itself unless it is confirmed. */
export const waitingChange = z.object({
  revision: count,
  since: z.string(),
  /** When the kernel takes it back; RFC 3339, reckoned from the clock that goes on while the host sleeps. */
  until: z.string(),
  remainingSeconds: z.number(),
});
export type WaitingChange = z.infer<typeof waitingChange>;

export const statusReply = z.object({
  agent: z.object({
    version: z.string(),
    pid: count,
    started: z.string(),
    kernel: z.string(),
    host: z.string(),
  }),
  policy: z.object({
    revision: count,
    store: z.string(),
    applied: z.string().nullable(),
    groups: count,
    rules: count,
    interfaces: count,
    /** The last change that was refused, if none was applied after it. */
    refused: refusedChange.nullable(),
    waiting: waitingChange.nullable(),
  }),
  proof: proofStatus,
  interfaces: z.array(interfaceStatus),
  /** Devices whose interface left the rules: they drop everything. */
  removed: z.array(z.object({ device: z.string(), ifindex: count })),
  uplinks: z.array(uplinkStatus),
  maps: z.array(z.object({ map: z.string(), entries: count, capacity: count })),
  eventsLost: count,
  /** What is wrong with the host or the agent. */
  problems: z.array(z.string()),
});
export type StatusReply = z.infer<typeof statusReply>;
export type ProofStatus = z.infer<typeof proofStatus>;
/** `verify`: prove everything again, and mend what differs, before the answer. */
export const statusRequest = z.strictObject({ verify: z.boolean().optional() });
export type InterfaceStatus = z.infer<typeof interfaceStatus>;
