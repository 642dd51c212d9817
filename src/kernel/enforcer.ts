/** What the agent asks of a host's kernel. `Enforcement` does it; tests of the agent may bring another. */
import type { Direction } from "../model/model.ts";
import type { CompiledPolicy, Resolved } from "../policy/types.ts";
import type { SetDownStore } from "./set-down.ts";
import type { KernelSettings } from "./settings.ts";
import type {
  ApplyReport,
  ConfirmationStatus,
  KernelFigures,
  KernelStatus,
  LostEvents,
  PacketCounter,
  PacketEvent,
  PacketVerdict,
  Session,
  SessionFilter,
  Verification,
} from "./status.ts";

export interface EnforcementOptions {
  /** The object file of the kernel programs. */
  readonly object: string;
  readonly settings: KernelSettings;
  /** Where everything is pinned; a bpffs is mounted there. Default /sys/fs/bpf/ringwall. */
  readonly root?: string;
  /** Interfaces that the maps have room for; default 1022. Another number makes the maps anew. */
  readonly interfaces?: number;
  /** Keeps the devices that were set down until they are up again; without it only this process knows them. */
  readonly setDown?: SetDownStore;
  /** Sizes of maps by name, for tests. */
  readonly mapSizes?: Readonly<Record<string, number>>;
  /** Told when a device could not be protected after a link event, when no caller waits for it. */
  readonly onError?: (error: unknown) => void;
  /** Told when something that keeps the host protected was taken away, and what was done. */
  readonly onNotice?: (message: string) => void;
}

export interface ModelInForce {
  readonly resolved: Resolved;
  readonly policies: ReadonlyMap<bigint, CompiledPolicy>;
}

export interface Enforcer {
  /** Programs of this very object were found pinned and enforcing. */
  readonly adopted: boolean;
  /**
   * Brings a model into force. All or nothing: when it throws, what was in force still is. Two at once are
   * done one after the other. Devices that come later are attached under the last model applied. `seconds`: after
   * them the kernel goes back to what was in force, whether or not an agent runs, unless `decide` keeps the change;
   * until then every other apply is refused (WAITING).
   */
  apply(
    resolved: Resolved,
    policies: ReadonlyMap<bigint, CompiledPolicy>,
    seconds?: number | null,
  ): Promise<ApplyReport>;
  /**
   * The change that waits to be confirmed, or what was decided of it, also by an earlier agent; null: there is
   * none. It is remembered until `forget`.
   */
  readonly confirmation: ConfirmationStatus | null;
  /**
   * Goes on with a change that an earlier agent left waiting: the model that it goes back to, and its own. Throws
   * WAITING where the maps do not hold it.
   */
  resume(before: ModelInForce, waiting: ModelInForce): Promise<void>;
  /** Ends the wait, where the kernel has not yet. Settles with what was decided; the model follows it. */
  decide(decision: "keep" | "undo"): Promise<"kept" | "reverted">;
  forget(): Promise<void>;
  /** Takes settings over without a reload; a change of `sessions` holds for tables made from then on. */
  configure(settings: KernelSettings): Promise<void>;
  status(): KernelStatus;
  figures(): KernelFigures;
  /**
   * Live sessions of one interface (by id) or of all, in pieces that are read when they are asked for, with turns of the
   * event loop between. Revoked ones are among them. Rejects with UNKNOWN_INTERFACE.
   */
  sessions(interfaceId?: string): Promise<AsyncIterable<readonly Session[]>>;
  /** Revokes sessions in place, so that no later packet revives them; returns how many. */
  endSessions(filter: SessionFilter): Promise<number>;
  /**
   * Counts sessions that are alive by their timeout; `status` then has them. Looks after the devices too: what
   * somebody took away stands again afterwards.
   */
  sweep(): Promise<void>;
  /**
   * Holds everything that the programs judge by against the model in force, proves every policy again, and mends
   * what something else changed. Null before the first apply.
   */
  verify(): Promise<Verification | null>;
  /** Counters that are not zero, of interfaces in the model. */
  counters(): readonly PacketCounter[];
  lost(): LostEvents;
  /** Returns the function that stops it. */
  onEvent(listener: (event: PacketEvent) => void): () => void;
  /** Opens a device whose interface left the model, by its ifindex, and sets it up if it was set down. False where it is not one of `removed`. */
  release(ifindex: number): Promise<boolean>;
  /** Asks the live programs about one frame; no session, counter or event of the interface is touched. */
  ask(interfaceId: string, direction: Direction, frame: Uint8Array): Promise<PacketVerdict>;
  /**
   * `detach`: takes programs, filters and pins away, and so opens every device; those that were set down are up again, or
   * it throws. Else they go on enforcing.
   */
  close(options: { readonly detach: boolean }): Promise<void>;
}
