/** docs/semantics.md, "What a guest may not do, and what always works". */
import { alwaysRows } from "./guest-always.ts";
import { dhcpRows } from "./guest-dhcp.ts";
import { forbiddenRows } from "./guest-forbidden.ts";
import { ownRows } from "./guest-own.ts";
import type { Chapter } from "./rows.ts";

export const guest: Chapter = {
  heading: "What a guest may not do, and what always works",
  sentences: { ...forbiddenRows, ...ownRows, ...alwaysRows, ...dhcpRows },
};
