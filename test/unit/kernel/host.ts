/** An agent's kernel layer over maps in memory: plan, carry out, clean up, start again. */

import { deepStrictEqual } from "node:assert/strict";
import { deviceEntry, listEntries } from "../../../src/kernel/confirm-entries.ts";
import { digest64 } from "../../../src/kernel/digest.ts";
import { type ConfirmEntryStruct, ConfirmKind } from "../../../src/kernel/layout.gen.ts";
import { packWord, unpackWord } from "../../../src/kernel/maps.ts";
import { type ChangePlan, planChange } from "../../../src/kernel/plan.ts";
import type { Capacities } from "../../../src/kernel/plan-space.ts";
import { proveWritten } from "../../../src/kernel/prove-written.ts";
import { recoverState } from "../../../src/kernel/recover-write.ts";
import { findPlacement, journalSlot, type KnownState, removedRecord } from "../../../src/kernel/state.ts";
import {
  cleanUp,
  executeChange,
  type SyncReport,
  switchDevice,
  writeUplinks,
} from "../../../src/kernel/sync.ts";
import { planUplinks } from "../../../src/kernel/uplinks.ts";
import type { Interface, Model } from "../../../src/model/model.ts";
import { shareModel } from "../../../src/model/share.ts";
import { compileAll } from "../../../src/policy/compile.ts";
import { resolve } from "../../../src/policy/resolve.ts";
import type { Resolved } from "../../../src/policy/types.ts";
import type { FakeMaps } from "./fake-maps.ts";

export const smallCapacities: Capacities = { numbers: 64, slots: 64, policies: 64, cells: 4096, words: 4096 };
const uplink = { ifindex: 900, networks: null };

/** The device of an interface: eni-7 is on ifindex 107. */
export function ifindexOf(source: Interface): number {
  return 100 + Number(source.id.replace(/\D+/g, ""));
}

/** What bpf/confirm.bpf.c does in one pass over its list. */
export function storeEntries(
  maps: FakeMaps,
  entries: readonly ConfirmEntryStruct[],
  wanted: number,
  which: "before" | "after",
): void {
  for (const { kind, index, [which]: word } of entries) {
    if (kind !== wanted) continue;
    if (kind === ConfirmKind.CONFIRM_SLOT) maps.slots.store64(index, word);
    else if (unpackWord(maps.devices.load64(index)).low === index)
      maps.devices.store64(index, packWord(index, Number(word)));
  }
}

export class Host {
  readonly maps: FakeMaps;
  readonly numbers = new Set<number>();
  known: KnownState | undefined;
  mended = false;
  /** Plans that did not have to look at each interface. */
  placed = 0;
  #inForce: Resolved | null = null;
  #earlier: Resolved | null = null;

  constructor(maps: FakeMaps) {
    this.maps = maps;
  }

  /** What a new agent does first. `before`: the generation that a change which waits goes back to. */
  async start(before: number | null = null): Promise<void> {
    const recovered = await recoverState(this.maps, async () => {}, before);
    this.known = recovered.known;
    this.mended = recovered.mended;
  }

  get state(): KnownState {
    if (this.known === undefined) throw new Error("the host was not started");
    return this.known;
  }

  /** A change of the model, devices attached as they come. */
  async apply(model: Model, capacities = smallCapacities): Promise<SyncReport> {
    return this.#apply(this.#resolve(model), capacities);
  }

  /** Back to the model before the last, in the very objects of then: as where a change cannot be written to the store. */
  async goBack(): Promise<SyncReport | null> {
    return this.#earlier === null ? null : this.#apply(this.#earlier, smallCapacities);
  }

  async #apply(resolved: Resolved, capacities: Capacities): Promise<SyncReport> {
    const known = this.state;
    const plan = this.#plan(resolved, capacities);
    const report = await this.#execute(plan, resolved, null);
    cleanUp(this.maps, known, plan);
    [this.#earlier, this.#inForce] = [this.#inForce, resolved];
    for (const number of plan.cleanup.numbers) this.numbers.delete(number);
    this.#attach(resolved, () => {});
    return report;
  }

  /** A change that waits for its confirmation; returns the words that it goes back to. */
  async hold(model: Model): Promise<readonly ConfirmEntryStruct[]> {
    const before = { live: new Map(this.state.live), numbers: new Map(this.state.numbers) };
    const resolved = this.#resolve(model);
    const plan = this.#plan(resolved, smallCapacities);
    const entries = [...listEntries(this.state, plan)];
    await this.#execute(plan, resolved, () => {
      for (const kind of [ConfirmKind.CONFIRM_DEVICE, ConfirmKind.CONFIRM_SLOT])
        storeEntries(this.maps, entries, kind, "after");
    });
    this.#attach(resolved, (ifindex, id) => {
      const record = before.live.get(before.numbers.get(digest64(id)) ?? -1) ?? removedRecord;
      entries.push(deviceEntry(ifindex, record, record));
    });
    return entries;
  }

  #resolve(model: Model): Resolved {
    const before = this.#inForce;
    const shared = before === null ? model : shareModel(before.model, model);
    return resolve(shared, { host: "here", before });
  }

  #plan(resolved: Resolved, capacities: Capacities): ChangePlan {
    const bindings = new Map(
      resolved.interfaces.map((each) => [ifindexOf(each.interface), each.interface.id]),
    );
    const input = { resolved, policies: compileAll(resolved), bindings };
    if (findPlacement(this.state, resolved.interfaces) !== null) this.placed++;
    const plan = planChange(this.state, input, capacities);
    // Of a copy nothing is remembered: each of its interfaces is looked at.
    deepStrictEqual(plan, planChange({ ...this.state }, input, capacities));
    for (const { number } of plan.numbers) this.numbers.add(number);
    return plan;
  }

  async #execute(plan: ChangePlan, resolved: Resolved, switchAll: (() => void) | null): Promise<SyncReport> {
    const report = await executeChange(this.maps, this.state, plan, {
      clearNumber: () => {},
      prove: (written) => proveWritten(this.maps, written, resolved.identities, () => {}),
      switchAll,
    });
    writeUplinks(this.maps, this.state, planUplinks(this.state, resolved, [uplink], new Set()));
    return report;
  }

  #attach(resolved: Resolved, before: (ifindex: number, id: string) => void): void {
    const known = this.state;
    for (const { interface: source } of resolved.interfaces) {
      const record = known.live.get(known.numbers.get(digest64(source.id)) ?? -1);
      if (record === undefined) throw new Error(`${source.id} has no record`);
      if (known.devices.get(ifindexOf(source)) === record) continue;
      before(ifindexOf(source), source.id);
      switchDevice(this.maps, known, ifindexOf(source), record);
    }
  }

  /** Entries of each map: equal for equal models, or something leaked. */
  sizes(): Record<string, number> {
    const counted = Object.entries(this.maps).filter(([name]) => !["cells", "words"].includes(name));
    const sizes = Object.fromEntries(counted.map(([name, map]) => [name, map.size]));
    // A host without interfaces may have a journal or not.
    const journal = this.maps.slots.load64(journalSlot) === 0n ? 0 : 1;
    return { ...sizes, slots: this.maps.slots.size - journal };
  }
}
