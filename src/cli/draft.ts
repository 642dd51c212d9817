/** Steps that several changes of a draft have in common. */

import { writeGroup } from "../model/entry.ts";
import type { Group } from "../model/model.ts";
import type { Draft } from "./change.ts";
import { requireGroup } from "./find.ts";

/**
 * The group that is to be changed. A default group that was made because no file has one is written down first:
 * it then says the same, and can be changed.
 * @throws CliError where there is none
 */
export function openGroup({ editor, model }: Draft, id: string): { group: Group; notes: readonly string[] } {
  const group = requireGroup(model, id);
  if (group.place !== null) return { group, notes: [] };
  editor.setEntry("groups", id, writeGroup(group));
  return { group, notes: [`${id} was made by itself until now: it is written down, with its rules`] };
}
