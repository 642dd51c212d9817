/** What `observed` says: what passed, and would have been dropped if everything enforced. */
import * as z from "zod";
import { longestWindow } from "./bounds.ts";

const count = z.number().int().nonnegative();

export const window = z.number().min(1).max(longestWindow);

/** Which rule a hit would have been dropped by. */
const hitRule = z.object({ group: z.string(), index: count, id: z.string().nullable() });

/** Packets of one interface, direction, peer and service that passed as `observed`; each opened a session. */
export const observedHit = z.object({
  interface: z.string(),
  direction: z.enum(["egress", "ingress"]),
  /** What observes: groups, or the interface's own anti-spoofing. */
  observer: z.enum(["groups", "anti-spoofing"]),
  /** Groups of the interface that observe. */
  groups: z.array(z.string()),
  /** null: no rule matched, the default would have dropped. */
  rule: hitRule.nullable(),
  /** tcp, udp, …, a number, arp, or the ethertype in hex. */
  protocol: z.string(),
  local: z.string().nullable(),
  remote: z.string().nullable(),
  /** Destination port. */
  port: count.nullable(),
  /** Of the last packet. */
  sourcePort: count.nullable(),
  icmpType: count.nullable(),
  icmpCode: count.nullable(),
  times: count,
  first: z.string(),
  last: z.string(),
});
export type ObservedHit = z.infer<typeof observedHit>;

/** A hit, and what the rules in force say of it. */
const judgedHit = z.object({
  ...observedHit.shape,
  /** False: the rules accept it by now, or nothing observes it any more. */
  stands: z.boolean(),
});
export type JudgedHit = z.infer<typeof judgedHit>;

/** Packets that were counted, but of which nothing more is known: beyond eventsPerSecond, or beyond the list. */
export const unlistedHits = z.object({ interface: z.string(), packets: count, last: z.string() });
export type UnlistedHits = z.infer<typeof unlistedHits>;

export const observedRequest = z.strictObject({
  /** Only hits at this group's members. */
  group: z.string().optional(),
  /** Only hits of the last so many seconds. */
  windowSeconds: window.optional(),
});
export const observedReply = z.object({
  /** Groups that observe, and since when the agent has known them to. */
  groups: z.array(z.object({ group: z.string(), since: z.string(), members: count })),
  windowSeconds: z.number(),
  /** The latest first. */
  hits: z.array(judgedHit),
  unlisted: z.array(unlistedHits),
});
export type ObservedReply = z.infer<typeof observedReply>;

/** How a change may take groups from observe to enforce. */
export const promotion = z.strictObject({
  windowSeconds: window.optional(),
  /** Although there are hits. */
  evenSo: z.boolean().optional(),
});
export type Promotion = z.infer<typeof promotion>;
