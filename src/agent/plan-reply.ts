/** What `plan` says: at a desk without sessions, from an agent with them. */
import * as z from "zod";
import type { Plan } from "../policy/diff/plan.ts";
import type { SessionEnd } from "../policy/session-judge.ts";
import type { Session } from "./protocol.ts";

/** A session that would end, and the verdict that ends it. */
export type EndingSession = Session & { readonly end: SessionEnd };

export interface PlannedSessions {
  readonly live: number;
  /** Sessions that pass no further packet after the change. */
  readonly ends: number;
  /** Revoked ones that go on again. */
  readonly resumes: number;
  /** `keep`: the change ends none, but those of interfaces that leave this host. */
  readonly establishedSessions: "revalidate" | "keep";
  /** Largest number first, in all four. */
  readonly interfaces: readonly {
    readonly interface: string;
    readonly live: number;
    readonly ends: number;
    readonly bytes: number;
  }[];
  readonly peers: readonly { readonly peer: string; readonly ends: number; readonly bytes: number }[];
  readonly rules: readonly (SessionEnd & { readonly ends: number; readonly bytes: number })[];
  /** One by one, the most bytes first. */
  readonly list: readonly EndingSession[];
  readonly more: number;
}

export interface PlanReply extends Plan {
  /** The revision in force; null: the plan compares files at a desk. */
  readonly revision: number | null;
  /** The host whose interfaces are compared; null: those of every host. */
  readonly host: string | null;
  /** The files themselves differ, if only in comments. */
  readonly filesDiffer: boolean;
  /** What is worth saying about legal rules. */
  readonly notes: readonly string[];
  /** Null: no agent was asked. */
  readonly sessions: PlannedSessions | null;
}

const count = z.number().int().nonnegative();

/** The skeleton is checked, what hangs on it is taken as it comes: it is printed only. */
export const planReply: z.ZodType<PlanReply> = z
  .looseObject({
    revision: count.nullable(),
    host: z.string().nullable(),
    changed: z.boolean(),
    filesDiffer: z.boolean(),
    changes: z.looseObject({ rules: z.array(z.looseObject({ group: z.string() })) }),
    interfaces: z.array(z.looseObject({ id: z.string(), because: z.array(z.string()) })),
    differences: z.array(z.looseObject({ interfaces: z.array(z.string()) })),
    sessions: z.looseObject({ ends: count, list: z.array(z.unknown()) }).nullable(),
  })
  .transform((reply) => reply as unknown as PlanReply);
