/** docs/semantics.md, "Which rule takes effect". */
import type { Chapter } from "./rows.ts";
import { decidingRows } from "./which-decides.ts";
import { matchingRows } from "./which-matches.ts";
import { otherwiseRows } from "./which-otherwise.ts";

export const whichRule: Chapter = {
  heading: "Which rule takes effect",
  sentences: { ...matchingRows, ...decidingRows, ...otherwiseRows },
};
