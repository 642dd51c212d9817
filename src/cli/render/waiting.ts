/** A change that goes back by itself. */
import type { ApplyReply } from "../../agent/protocol.ts";
import { formatAge } from "./format.ts";

/** What has to be known of a change that waits for its confirmation, in lines; none where it stays. */
export function renderWaiting(waiting: ApplyReply["waiting"]): readonly string[] {
  if (waiting === null) return [];
  const when = `in ${formatAge(waiting.remainingSeconds)}, at ${waiting.until}`;
  return [`It goes back by itself ${when}, and is not in the store yet: \`ringwall confirm\` keeps it.`];
}
