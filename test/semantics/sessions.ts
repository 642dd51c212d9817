/** docs/semantics.md, "Sessions". */
import type { Chapter } from "./rows.ts";
import { changeRows } from "./sessions-change.ts";
import { errorRows } from "./sessions-icmp.ts";
import { lifeOfSessions } from "./sessions-life.ts";
import { midstreamRows } from "./sessions-midstream.ts";
import { revokedRows } from "./sessions-revoked.ts";
import { tcpOfSessions } from "./sessions-tcp.ts";

export const sessions: Chapter = {
  heading: "Sessions",
  sentences: {
    ...lifeOfSessions,
    ...tcpOfSessions,
    ...midstreamRows,
    ...errorRows,
    ...changeRows,
    ...revokedRows,
  },
};
