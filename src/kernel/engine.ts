/**
 * The state of the maps through one agent's life: read back, changed, cleaned up behind, and read back again
 * where a change could not be finished. Used for the live maps and for those of test runs alike.
 */
import type { SessionSizes } from "../model/model.ts";
import type { CompiledPolicy, Resolved } from "../policy/types.ts";
import type { ConfirmPlaces, Decision } from "./confirmation.ts";
import { clearNumber } from "./counters.ts";
import { digest64 } from "./digest.ts";
import { EnforcementError, errorText } from "./errors.ts";
import { Hold } from "./hold.ts";
import { checkCapacity, describeFill, type Sizes, sizesOf } from "./map-fill.ts";
import { MapVerifier, type OtherFindings } from "./map-verifier.ts";
import { indexKey } from "./maps.ts";
import { findMoved, forgetMoved } from "./moved.ts";
import { type BpfMap, native } from "./native.ts";
import type { ObjectMaps } from "./object-maps.ts";
import { type ChangePlan, planChange } from "./plan.ts";
import type { Capacities } from "./plan-space.ts";
import { Proofs } from "./proofs.ts";
import { recoverState } from "./recover-write.ts";
import type { SessionTables } from "./sessions.ts";
import { nextTurn } from "./slices.ts";
import { emptyState, type KnownState, recordPlaces, slotCapacity } from "./state.ts";
import type { MapFill, ProofStatus, Verification } from "./status.ts";
import {
  cleanUp,
  countSwitches,
  executeChange,
  type SyncReport,
  UnsettledError,
  writeHostMacs,
  writeUplinks,
} from "./sync.ts";
import { keepOldUplinks, planUplinks, type UplinkDevice, type UplinkPlan } from "./uplinks.ts";

/** What of the host, beside the model, the maps follow. */
export interface HostFacts {
  readonly uplinks: readonly UplinkDevice[];
  /** Mapped bytes as text. */
  readonly addresses: ReadonlySet<string>;
  /** Of the host's own devices. */
  readonly macs: readonly Uint8Array[];
}

export interface ModelChange {
  readonly resolved: Resolved;
  readonly policies: ReadonlyMap<bigint, CompiledPolicy>;
  readonly bindings: ReadonlyMap<number, string>;
  readonly host: HostFacts;
  readonly sizes: (interfaces: number, own: SessionSizes | null) => SessionSizes;
}

export interface EngineReport extends SyncReport {
  readonly generation: number;
  /** Why uplinks do not judge by the change yet, or sessions of another network are remembered; null: all is done. */
  readonly unfinished: string | null;
}

export class SyncEngine {
  readonly maps: ObjectMaps;
  readonly tables: SessionTables;
  /** The number that questions and test runs use; no interface gets it. */
  readonly scratchNumber: number;
  readonly #idle: BpfMap;
  readonly #sizes: Sizes;
  readonly #capacities: Capacities;
  readonly #cpus: number;
  #known: KnownState = emptyState();
  #settled = false;
  /** Interfaces that all have their session tables. */
  #withTables: Resolved["interfaces"] | null = null;
  readonly #proofs = new Proofs();
  readonly #verifier: MapVerifier;
  readonly #places: (() => ConfirmPlaces) | null;
  #hold: Hold | null = null;
  /** Numbers of interfaces that the last change took to another network. */
  #moved: readonly number[] = [];
  #cleaning: Promise<void> = Promise.resolve();
  /** Why leftovers of a change could not be deleted at once; null when all were. */
  lastCleaningError: string | null = null;

  /**
   * `idle`: any table of sessions; it stands in rw_grace. `places`: where a change that waits for its confirmation
   * lies; null: there are none here (test runs).
   */
  constructor(
    maps: ObjectMaps,
    tables: SessionTables,
    idle: BpfMap,
    places: (() => ConfirmPlaces) | null = null,
  ) {
    this.maps = maps;
    this.tables = tables;
    this.#idle = idle;
    this.#places = places;
    this.#sizes = sizesOf(maps);
    this.#verifier = new MapVerifier({
      maps,
      proofs: this.#proofs,
      known: () => this.#known,
      isHeld: () => this.#hold?.binds === true,
      settle: () => this.settle(),
      apply: (change) => this.apply(change),
    });
    this.#cpus = native().possibleCpus();
    this.scratchNumber = Math.floor(this.#sizes.interfaces.maxEntries / 2) - 1;
    this.#capacities = {
      numbers: this.scratchNumber,
      slots: slotCapacity(maps.slots),
      policies: this.#sizes.policies.maxEntries,
      cells: this.#sizes.cells.maxEntries,
      words: this.#sizes.words.maxEntries,
    };
  }

  /** As of the last change; its leftovers may still be there. */
  get known(): KnownState {
    return this.#known;
  }

  get proofStatus(): ProofStatus {
    return { policies: this.#proofs.counts, ...this.#verifier.status };
  }

  /** When a version was last proven; null: it is not. */
  provenAt(version: number): Date | null {
    return this.#proofs.provenAt(version);
  }

  /** Holds the maps against the change in force, `others` beside, and mends them (MapVerifier). */
  verify(change: ModelChange, others: OtherFindings): Promise<Verification> {
    return this.#verifier.verify(change, others);
  }

  get fill(): readonly MapFill[] {
    return describeFill(this.#known, this.#sizes);
  }

  /** Settles when no program runs any more that began before the call. */
  grace(): Promise<void> {
    return this.maps.grace.setInnerAsync(indexKey(0), this.#idle);
  }

  /** The change that waits for its confirmation, or what was decided of the last one, until it is removed. */
  get hold(): Hold | null {
    return this.#hold;
  }

  /** Takes over the change that waited when an earlier agent ended. */
  findHold(): void {
    this.#hold = this.#places === null ? null : Hold.find(this.#places());
  }

  /** Reads the maps back; true where an earlier change had to be completed, undone or cleaned up. */
  async recover(): Promise<boolean> {
    const hold = this.#hold?.binds ? this.#hold : null;
    const back = hold === null ? null : hold.confirmation.generationBefore;
    const { known, before, mended } = await recoverState(this.maps, () => this.grace(), back);
    if (hold !== null && before !== null) hold.before = before;
    this.#known = known;
    this.#withTables = null;
    this.#settled = true;
    return mended;
  }

  /** Waits for the last change's cleaning; reads back where it, or the change, was not finished. */
  async settle(): Promise<void> {
    await this.#cleaning;
    if (!this.#settled) await this.recover();
  }

  /**
   * Returns when the change is in force. Throws with the old in force. One at a time: the caller sees to it.
   * `seconds`: after them the kernel goes back, unless the change is kept (`conclude`); null: it stays.
   */
  async apply(change: ModelChange, seconds: number | null = null): Promise<EngineReport> {
    await this.settle();
    if (this.#hold?.binds) throw new EnforcementError("WAITING", "a change waits for its confirmation");
    const plan = await this.#plan(change);
    checkCapacity(this.#known, plan, this.#sizes);
    this.#moved = findMoved(this.#known, plan);
    const added = await this.#prepareTables(change, plan);
    let report: SyncReport;
    try {
      report = await this.#execute(change, plan, seconds);
    } catch (error) {
      this.#withTables = null;
      if (!(error instanceof UnsettledError)) await this.tables.release(added);
      else this.#settled = false;
      if (!(error instanceof UnsettledError && error.isDue)) throw error;
      // What is due is completed by reading back; where that fails, too, the caller has to know.
      await this.recover().catch(() => {
        throw error;
      });
      report = { entriesWritten: 0, ...countSwitches(plan) };
    }
    const unfinished = this.#followUplinks(change.resolved, change.host) ?? (await this.#forgetMoved());
    // What uplinks still judge by is left to be found by reading back.
    if (plan.changes && seconds === null && unfinished === null && this.#settled)
      this.#cleaning = this.clean(() => this.#deleteOld(plan));
    return { ...report, generation: plan.generation, unfinished };
  }

  /** After the switch, as what moved is forgotten: what fails here is no refusal. */
  #followUplinks(resolved: Resolved, host: HostFacts): string | null {
    try {
      writeUplinks(this.maps, this.#known, this.#planUplinks(this.#known, resolved, host));
      return null;
    } catch (error) {
      this.#settled = false;
      return errorText(error);
    }
  }

  readonly #forgetMoved = () => forgetMoved(this.#moved, this.maps, this.tables).then(() => null, errorText);

  /** What uplinks may judge, and the host's own MACs, without a change of the model. */
  followHost(resolved: Resolved, host: HostFacts): void {
    writeHostMacs(this.maps, this.#known, host.macs);
    writeUplinks(this.maps, this.#known, this.#planUplinks(this.#known, resolved, host));
  }

  /** What an uplink judges has to be right, too, after the kernel went back by itself. */
  #planUplinks(live: KnownState, resolved: Resolved, host: HostFacts): UplinkPlan {
    const plan = planUplinks(live, resolved, host.uplinks, host.addresses);
    return this.#hold?.binds ? keepOldUplinks(live, plan) : plan;
  }

  /**
   * Ends the wait, where the kernel has not yet; what is in force then is known, and nothing else is there any
   * more. Settles with what was decided, by whomever.
   */
  async conclude(decision: Decision): Promise<"kept" | "reverted"> {
    const hold = this.#hold;
    if (hold === null) throw new EnforcementError("WAITING", "no change waits for its confirmation");
    const outcome = await hold.decide(decision);
    this.#settled = false;
    await this.settle();
    if (outcome === "reverted") await this.#forgetMoved();
    this.#proofs.retain(this.#known.policies);
    await this.tables.retain(new Set([...this.#known.numbers.values(), this.scratchNumber]));
    return outcome;
  }

  /** Forgets a change that was decided. */
  removeHold(): void {
    this.#hold?.remove();
    this.#hold = null;
  }

  /**
   * Goes on with a change that an earlier agent left waiting. Throws WAITING where its model is not what the maps
   * hold: it can only be undone then.
   */
  async resume(change: ModelChange): Promise<EngineReport> {
    await this.settle();
    const plan = await this.#plan(change);
    const { policies, records, slotSwitches, identities } = plan;
    if (policies.length + records.size + slotSwitches.size + identities.writes.length > 0)
      throw new EnforcementError("WAITING", "the maps do not hold the change that waits");
    return {
      generation: this.#known.generation,
      entriesWritten: 0,
      slotsSwitched: 0,
      recordsSwitched: 0,
      unfinished: null,
    };
  }

  async #plan(change: ModelChange): Promise<ChangePlan> {
    await this.#proofs.proveKept(this.maps, this.#known, change);
    const broken = { records: this.#verifier.brokenRecords, versions: this.#proofs.broken };
    return planChange(this.#known, { ...change, broken }, this.#capacities);
  }

  async #execute(change: ModelChange, plan: ChangePlan, seconds: number | null): Promise<SyncReport> {
    writeHostMacs(this.maps, this.#known, change.host.macs);
    return executeChange(this.maps, this.#known, plan, {
      clearNumber: (number) => clearNumber(this.maps, number, this.#cpus),
      prove: (written) => this.#proofs.proveNew(this.maps, written, change.resolved.identities),
      switchAll: seconds === null ? null : () => this.#beginHold(plan, seconds),
    });
  }

  #beginHold(plan: ChangePlan, seconds: number): void {
    if (this.#places === null) throw new EnforcementError("WAITING", "nothing goes back by itself here");
    this.#hold = Hold.begin(this.#places(), this.#known, plan, seconds);
  }

  async #prepareTables(change: ModelChange, plan: ChangePlan): Promise<readonly number[]> {
    const { interfaces } = change.resolved;
    if (this.#withTables === interfaces) return [];
    const numbers = new Map(plan.numbers.map(({ number, source }) => [source.interface.id, number]));
    const wanted = new Map<number, SessionSizes>();
    for (const { interface: source } of interfaces) {
      const number = numbers.get(source.id) ?? this.#known.numbers.get(digest64(source.id));
      if (number === undefined || this.tables.has(number)) continue;
      wanted.set(number, change.sizes(interfaces.length, source.sessions));
    }
    await this.tables.prepare(wanted);
    this.#withTables = interfaces;
    return [...numbers.values()];
  }

  async #deleteOld(plan: ChangePlan): Promise<void> {
    // Whoever waits for the change is told first: the thread that waits for the grace period takes a CPU, too.
    await nextTurn();
    await this.grace();
    cleanUp(this.maps, this.#known, plan);
    this.#proofs.forget(plan.cleanup.versions);
    await this.tables.release(plan.cleanup.numbers);
  }

  /** Deletes what nothing names any more; never throws: what is left is found by reading back before a change. */
  async clean(work: () => Promise<void>): Promise<void> {
    try {
      await work();
      this.lastCleaningError = null;
    } catch (error) {
      this.#settled = false;
      this.lastCleaningError = errorText(error);
    }
  }

  /** The live record of an interface, by its id. */
  liveRecord(interfaceId: string): number | undefined {
    const number = this.#known.numbers.get(digest64(interfaceId));
    return number === undefined ? undefined : this.#known.live.get(number);
  }

  /** Version and generation that an interface is under; null: it has no record. */
  policyOf(interfaceId: string): { readonly version: number; readonly generation: number } | null {
    const live = this.liveRecord(interfaceId);
    const struct = live === undefined ? undefined : this.#known.records.get(live)?.struct;
    if (struct === undefined) return null;
    const word = this.#known.slots.get(struct.slot);
    return {
      version: word?.version ?? 0,
      generation: Math.max(word?.generation ?? 0, struct.generation),
    };
  }

  /** The place beside an interface's live record. Free between changes (settle). */
  sparePlace(number: number): number {
    const [first, second] = recordPlaces(number);
    return this.#known.live.get(number) === first ? second : first;
  }
}
