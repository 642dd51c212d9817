import type { Interface } from "../../model/model.ts";
import type { Draft } from "../change.ts";
import { openGroup } from "../draft.ts";

/**
 * Makes these the groups of an interface. A default group that no file has yet is written down when the
 * interface stays in it by name. Returns what is worth saying.
 */
export function setGroups(draft: Draft, member: Interface, groups: readonly string[]): readonly string[] {
  const { editor, model } = draft;
  const made = groups.filter(
    (id) => model.groups.get(id)?.place === null && editor.entry("groups", id) === undefined,
  );
  const notes = made.flatMap((id) => openGroup(draft, id).notes);
  editor.setValue("instances", member.instance, ["interfaces", member.id, "groups"], groups);
  return notes;
}
