/** What decoders of rules and interfaces know of the rest of the model while it is being read. */
import type { Group, Limits, Network, Place, PrefixList } from "./model.ts";

/** What others need to know of a group before its rules are read. */
export interface GroupHead {
  readonly id: string;
  readonly type: Group["type"] | undefined;
  readonly network: string | undefined;
  readonly isDefault: boolean;
  readonly place: Place;
}

export interface Names {
  /** Ids with a fault are among the keys, so that one fault is not reported again at each use. */
  readonly networks: ReadonlyMap<string, Network | null>;
  readonly prefixLists: ReadonlyMap<string, PrefixList | null>;
  readonly groups: ReadonlyMap<string, GroupHead>;
  readonly limits: Limits;
}
