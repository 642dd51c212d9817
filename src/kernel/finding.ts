/** What a verification found to be other than the agent left it. */
import type { Resolved } from "../policy/types.ts";
import type { Holders } from "./holders.ts";
import type { SyncMaps } from "./maps.ts";
import type { RawState } from "./readback.ts";
import type { KnownState } from "./state.ts";

export interface Finding {
  /** The kernel's name of the map: "rw_cells". */
  readonly map: string;
  /** The place, what stood there instead of what, and what that meant. */
  readonly message: string;
  /** Interfaces of this host that were judged by it. */
  readonly interfaces: readonly string[];
  /** Nothing that the agent knows of stands at this place. */
  readonly isAdded?: true;
  /**
   * Writes the exact value back by a store that no packet can see half done; null where there is no such store:
   * the record or the policy is then written anew beside, and switched to.
   */
  readonly mend: (() => void) | null;
}

/** What is compared: the maps as they were read, with what the agent knows, under the model in force. */
export interface Compared {
  readonly maps: SyncMaps;
  readonly raw: RawState;
  readonly known: KnownState;
  readonly resolved: Resolved;
  readonly holders: Holders;
  /** A change waits for its confirmation: the kernel may switch its words back at any moment. */
  readonly isHeld: boolean;
}
