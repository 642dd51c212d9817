/**
 * What a change writes, in which order it takes effect, and what it leaves behind. Pure: nothing is written
 * here, and planning the same model twice plans nothing the second time. The order and its reasons are in
 * ARCHITECTURE.md, "How a change takes effect".
 */
import type { CompiledPolicy, Resolved, ResolvedInterface } from "../policy/types.ts";
import { digest64 } from "./digest.ts";
import { EnforcementError } from "./errors.ts";
import { type Cleanup, listLeft, listVersionsLeft, nothingLeft } from "./plan-cleanup.ts";
import { type IdentityPlan, planIdentities } from "./plan-identities.ts";
import { type Capacities, indexSlots, Space } from "./plan-space.ts";
import { cellsOf, type EncodedPolicy, encodePolicy, isSamePolicy } from "./policy-entries.ts";
import { buildRecord, buildRemovedRecord, saysInterface } from "./records.ts";
import {
  feelsStored,
  findPlacement,
  type KnownState,
  notePlacement,
  type Placement,
  recordPlaces,
  removedRecord,
  type SlotWord,
  type StoredRecord,
} from "./state.ts";

export interface PlanInput {
  readonly resolved: Resolved;
  readonly policies: ReadonlyMap<bigint, CompiledPolicy>;
  /** Devices that programs judge: ifindex -> id of the interface that holds it. */
  readonly bindings: ReadonlyMap<number, string>;
  /** What of the maps is not what it is known as; nothing of it is used again. */
  readonly broken?: Broken;
}

/** Places of the maps that something else than the agent wrote to. */
export interface Broken {
  readonly records: ReadonlySet<number>;
  readonly versions: ReadonlySet<number>;
}

export interface ChangePlan {
  /** False: the kernel has all of it; nothing is written and no generation used. */
  readonly changes: boolean;
  readonly generation: number;
  /** Interface numbers that come into use: their tables and counters are made ready first. */
  readonly numbers: readonly { readonly number: number; readonly source: ResolvedInterface }[];
  readonly policies: readonly EncodedPolicy[];
  readonly identities: IdentityPlan;
  readonly records: ReadonlyMap<number, StoredRecord>;
  /** Slots that only new records name. */
  readonly freshSlots: ReadonlyMap<number, SlotWord>;
  readonly deviceSwitches: ReadonlyMap<number, number>;
  readonly slotSwitches: ReadonlyMap<number, SlotWord>;
  /** interface number -> live record afterwards, where it is another than before. */
  readonly moves: ReadonlyMap<number, number>;
  /** After the grace period. */
  readonly cleanup: Cleanup;
}

/** Throws CAPACITY or INCOMPLETE where the change cannot be made; nothing was touched then. */
export function planChange(known: KnownState, input: PlanInput, capacities: Capacities): ChangePlan {
  const generation = known.generation + 1;
  const identities = planIdentities(known.identities, input.resolved.addresses, generation);
  const planner = new Planner(known, input, capacities, generation, identities);
  planner.planInterfaces();
  return planner.finish();
}

interface Member {
  readonly source: ResolvedInterface;
  readonly number: number;
  /** The interface is new, says something else, or has another set of groups than before. */
  readonly changed: boolean;
}

class Planner {
  readonly #known: KnownState;
  readonly #input: PlanInput;
  readonly #generation: number;
  readonly #identities: IdentityPlan;
  readonly #space: Space;
  /** Every interface has the record and the slot that it is to have; null: each has to be looked at. */
  readonly #placement: Placement | null;
  readonly #slotByKey: ReadonlyMap<bigint, number>;
  /** Of #slotByKey what stays, in the order of the model. */
  readonly #kept = new Map<bigint, number>();
  readonly #numbers: { number: number; source: ResolvedInterface }[] = [];
  readonly #policies: EncodedPolicy[] = [];
  readonly #records = new Map<number, StoredRecord>();
  readonly #freshSlots = new Map<number, SlotWord>();
  readonly #slotSwitches = new Map<number, SlotWord>();
  readonly #moves = new Map<number, number>();
  /** interface number -> live record afterwards. */
  readonly #live: Map<number, number>;

  constructor(
    known: KnownState,
    input: PlanInput,
    capacities: Capacities,
    generation: number,
    identities: IdentityPlan,
  ) {
    this.#known = known;
    this.#input = input;
    this.#generation = generation;
    this.#identities = identities;
    this.#space = new Space(known, capacities);
    const isBroken = input.broken !== undefined && input.broken.records.size > 0;
    this.#placement = isBroken ? null : findPlacement(known, input.resolved.interfaces);
    this.#slotByKey = this.#placement?.slots ?? indexSlots(known);
    this.#live = this.#placement === null ? new Map() : known.live;
  }

  planInterfaces(): void {
    if (this.#placement !== null) {
      for (const key of this.#placement.slots.keys()) this.#planPolicy(key, []);
      return;
    }
    const byKey = new Map<bigint, Member[]>();
    for (const source of this.#input.resolved.interfaces) {
      const members = byKey.get(source.policy) ?? [];
      members.push(this.#member(source));
      byKey.set(source.policy, members);
    }
    for (const [key, members] of byKey) this.#planPolicy(key, members);
  }

  #member(source: ResolvedInterface): Member {
    const id = digest64(source.interface.id);
    const number = this.#known.numbers.get(id);
    if (number === undefined) {
      const taken = this.#space.take("numbers", 1);
      this.#numbers.push({ number: taken, source });
      return { source, number: taken, changed: true };
    }
    const record = this.#known.live.get(number);
    const stored = record === undefined ? undefined : this.#known.records.get(record);
    if (record === undefined || stored === undefined) return { source, number, changed: true };
    const changed =
      this.#input.broken?.records.has(record) === true ||
      this.#slotByKey.get(source.policy) !== stored.struct.slot ||
      stored.struct.number !== number ||
      !saysInterface(stored, source.interface);
    return { source, number, changed };
  }

  #planPolicy(key: bigint, members: readonly Member[]): void {
    const compiled = this.#input.policies.get(key);
    if (compiled === undefined) {
      const ids = members.map(({ source }) => source.interface.id).join(", ");
      throw new EnforcementError(
        "INCOMPLETE",
        `no compiled policy for ${ids}: compile every policy of the model`,
      );
    }
    const slot = this.#slotByKey.get(key);
    const word = slot === undefined ? undefined : this.#known.slots.get(slot);
    const policy = word === undefined ? undefined : this.#known.policies.get(word.version);
    if (slot === undefined || word === undefined || policy === undefined) {
      this.#useFreshSlot(compiled, members);
      return;
    }
    const isBroken = this.#input.broken?.versions.has(word.version) === true;
    if (isBroken || !isSamePolicy(policy.header, compiled)) {
      if (members.some(({ changed }) => changed)) {
        this.#useFreshSlot(compiled, members);
        return;
      }
      this.#slotSwitches.set(slot, { version: this.#encode(compiled), generation: this.#generation });
    } else if (this.#identities.changes.some(([before, after]) => feelsStored(policy, before, after))) {
      this.#slotSwitches.set(slot, { version: word.version, generation: this.#generation });
    }
    this.#kept.set(key, slot);
    for (const member of members) {
      if (member.changed) this.#writeRecord(member, slot);
      else this.#keepRecord(member);
    }
  }

  /** A policy and a record that change in one step meet in a slot that nothing sees yet. */
  #useFreshSlot(compiled: CompiledPolicy, members: readonly Member[]): void {
    const slot = this.#space.take("slots", 1);
    this.#freshSlots.set(slot, { version: this.#encode(compiled), generation: this.#generation });
    for (const member of members) this.#writeRecord(member, slot);
  }

  #encode(compiled: CompiledPolicy): number {
    const version = this.#space.take("policies", 1);
    const cells = this.#space.take("cells", cellsOf(compiled));
    const words = this.#space.take("words", compiled.words.length);
    this.#policies.push(encodePolicy(compiled, version, { cells, words }));
    return version;
  }

  #writeRecord({ source, number }: Member, slot: number): void {
    const [first, second] = recordPlaces(number);
    const record = this.#known.live.get(number) === first ? second : first;
    const place = { record, number, slot, generation: this.#generation };
    this.#records.set(record, buildRecord(source.interface, place));
    this.#moves.set(number, record);
    this.#live.set(number, record);
  }

  #keepRecord({ number }: Member): void {
    const record = this.#known.live.get(number);
    if (record !== undefined) this.#live.set(number, record);
  }

  finish(): ChangePlan {
    const deviceSwitches = this.#planDevices();
    const cleanup = this.#planCleanup();
    if (this.#placement === null) this.#planLeavers();
    this.#noteKept(cleanup);
    const changes =
      this.#policies.length > 0 ||
      this.#records.size > 0 ||
      this.#identities.writes.length > 0 ||
      this.#slotSwitches.size > 0 ||
      deviceSwitches.size > 0 ||
      Object.values(cleanup).some((list) => list.length > 0);
    return {
      changes,
      generation: changes ? this.#generation : this.#known.generation,
      numbers: this.#numbers,
      policies: this.#policies,
      identities: this.#identities,
      records: this.#records,
      freshSlots: this.#freshSlots,
      deviceSwitches,
      slotSwitches: this.#slotSwitches,
      moves: this.#moves,
      cleanup,
    };
  }

  /** Where no record and no slot came or goes, the next change need not look at each interface. */
  #noteKept({ records, slots, numbers }: Cleanup): void {
    if (this.#records.size + this.#freshSlots.size + records.length + slots.length + numbers.length > 0)
      return;
    notePlacement(this.#known, { interfaces: this.#input.resolved.interfaces, slots: this.#kept });
  }

  #planLeavers(): void {
    for (const [number, record] of this.#known.live)
      if (!this.#live.has(number)) this.#planLeaver(number, record);
  }

  /** Says beside the live record that its interface leaves, so that a change cut off half way is completed. */
  #planLeaver(number: number, record: number): void {
    const stored = this.#known.records.get(record);
    if (stored === undefined) return;
    const [first, second] = recordPlaces(number);
    const change = { generation: this.#generation, id: stored.struct.id, number };
    this.#records.set(record === first ? second : first, {
      ...buildRemovedRecord(),
      struct: { ...buildRemovedRecord().struct, ...change },
    });
  }

  /** Words of devices that are attached already. A device that nobody holds any more drops everything. */
  #planDevices(): ReadonlyMap<number, number> {
    const fresh = new Map(this.#numbers.map(({ number, source }) => [source.interface.id, number]));
    const switches = new Map<number, number>();
    for (const [ifindex, current] of this.#known.devices) {
      const holder = this.#input.bindings.get(ifindex);
      const number =
        holder === undefined ? undefined : (this.#known.numbers.get(digest64(holder)) ?? fresh.get(holder));
      const record = (number === undefined ? undefined : this.#live.get(number)) ?? removedRecord;
      if (record !== current) switches.set(ifindex, record);
    }
    return switches;
  }

  #planCleanup(): Cleanup {
    const after = { live: this.#live, records: this.#records, wordOf: (slot: number) => this.#wordOf(slot) };
    const left =
      this.#placement === null
        ? listLeft(this.#known, after)
        : { ...nothingLeft, versions: listVersionsLeft(this.#known, this.#placement.slots.values(), after) };
    return { ...left, identities: this.#identities.leftovers };
  }

  /** As it is afterwards. */
  #wordOf(slot: number): SlotWord | undefined {
    return this.#slotSwitches.get(slot) ?? this.#freshSlots.get(slot) ?? this.#known.slots.get(slot);
  }
}
