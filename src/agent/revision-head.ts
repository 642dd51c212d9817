/** What a revision is known by: in the history, and to clients. */
import * as z from "zod";

const peer = { uid: z.number().int(), pid: z.number().int() };
/**
 * Who made a revision: an edit of the store's files, a client that sent files, one that went back to `of`, the
 * deadline of revision `of`, which nobody confirmed, or a client that undid it before.
 */
export const origin = z.discriminatedUnion("cause", [
  z.object({ cause: z.literal("store") }),
  z.object({ cause: z.literal("apply"), ...peer }),
  z.object({ cause: z.literal("rollback"), of: z.number().int().positive(), ...peer }),
  z.object({ cause: z.literal("reverted"), of: z.number().int().positive() }),
  z.object({ cause: z.literal("undone"), of: z.number().int().positive(), ...peer }),
]);
export type Origin = z.infer<typeof origin>;

const count = z.number().int().nonnegative();
/** What a revision is known by; `time`: RFC 3339, `digest`: of the files, `bytes`: of their texts. */
export const revisionHead = z.object({
  revision: z.number().int().positive(),
  time: z.string(),
  digest: z.string(),
  by: origin,
  counts: z.object({ files: count, groups: count, rules: count, interfaces: count }),
  bytes: count,
});
export type RevisionHead = z.infer<typeof revisionHead>;
