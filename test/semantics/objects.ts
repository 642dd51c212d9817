/** docs/semantics.md, "Objects". */
import { groupRows, networkRows } from "./objects-group.ts";
import { interfaceRows } from "./objects-interface.ts";
import { lifeRows } from "./objects-life.ts";
import { placeRows } from "./objects-place.ts";
import { protocolRows } from "./objects-protocol.ts";
import { remoteRows } from "./objects-remote.ts";
import type { Chapter } from "./rows.ts";

export const objects: Chapter = {
  heading: "Objects",
  sentences: {
    ...groupRows,
    ...networkRows,
    ...interfaceRows,
    ...placeRows,
    ...protocolRows,
    ...remoteRows,
    ...lifeRows,
  },
};
