/** Groups as commands show them. */
import type { Group, Model } from "../../model/model.ts";
import { membersOf } from "../find.ts";
import { recordPlace } from "../rule-record.ts";

/** What a group is, without its rules. */
export function recordGroup(model: Model, group: Group) {
  return {
    id: group.id,
    name: group.name,
    description: group.description,
    type: group.type,
    network: group.network,
    innerAccess: group.innerAccess,
    defaultEgress: group.defaultEgress,
    mode: group.mode,
    default: group.isDefault,
    tags: Object.fromEntries(group.tags),
    members: membersOf(model, group.id).map(({ id }) => id),
    ...recordPlace(group.place),
  };
}
export type GroupRecord = ReturnType<typeof recordGroup>;
