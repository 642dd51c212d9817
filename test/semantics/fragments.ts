/** docs/semantics.md, "Fragments and odd packets". */
import { extensionRows } from "./fragments-extension.ts";
import { malformedRows } from "./fragments-malformed.ts";
import { fragmentRows } from "./fragments-parts.ts";
import { tagRows } from "./fragments-tags.ts";
import type { Chapter } from "./rows.ts";

export const fragments: Chapter = {
  heading: "Fragments and odd packets",
  sentences: { ...fragmentRows, ...tagRows, ...extensionRows, ...malformedRows },
};
