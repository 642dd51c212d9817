/** An agent's kernel layer over maps in memory: plan, carry out, clean up, start again. */

import { digest64 } from "../../../src/kernel/digest.ts";
import { planChange } from "../../../src/kernel/plan.ts";
import type { Capacities } from "../../../src/kernel/plan-space.ts";
import { proveWritten } from "../../../src/kernel/prove-written.ts";
import { recoverState } from "../../../src/kernel/recover-write.ts";
import { journalSlot, type KnownState } from "../../../src/kernel/state.ts";
import { cleanUp, executeChange, type SyncReport, switchDevice } from "../../../src/kernel/sync.ts";
import { planUplinks } from "../../../src/kernel/uplinks.ts";
import type { Interface, Model } from "../../../src/model/model.ts";
import { compileAll } from "../../../src/policy/compile.ts";
import { resolve } from "../../../src/policy/resolve.ts";
import type { FakeMaps } from "./fake-maps.ts";

export const smallCapacities: Capacities = { numbers: 64, slots: 64, policies: 64, cells: 4096, words: 4096 };
const uplink = { ifindex: 900, networks: null };

/** The device of an interface: eni-7 is on ifindex 107. */
export function ifindexOf(source: Interface): number {
  return 100 + Number(source.id.replace(/\D+/g, ""));
}

export class Host {
  readonly maps: FakeMaps;
  readonly numbers = new Set<number>();
  known: KnownState | undefined;
  mended = false;

  constructor(maps: FakeMaps) {
    this.maps = maps;
  }

  /** What a new agent does first. */
  async start(): Promise<void> {
    const recovered = await recoverState(this.maps, async () => {});
    this.known = recovered.known;
    this.mended = recovered.mended;
  }

  get state(): KnownState {
    if (this.known === undefined) throw new Error("the host was not started");
    return this.known;
  }

  /** A change of the model, devices attached as they come. */
  async apply(model: Model, capacities = smallCapacities): Promise<SyncReport> {
    const known = this.state;
    const resolved = resolve(model, { host: "here" });
    const bindings = new Map(
      resolved.interfaces.map((each) => [ifindexOf(each.interface), each.interface.id]),
    );
    const plan = planChange(known, { resolved, policies: compileAll(resolved), bindings }, capacities);
    for (const { number } of plan.numbers) this.numbers.add(number);
    const uplinks = (live: KnownState) => planUplinks(live, resolved, [uplink], new Set());
    const report = await executeChange(this.maps, known, plan, {
      uplinks,
      clearNumber: () => {},
      prove: (written) => proveWritten(this.maps, written, resolved.identities, () => {}),
      switchAll: null,
    });
    cleanUp(this.maps, known, plan);
    for (const number of plan.cleanup.numbers) this.numbers.delete(number);
    for (const { interface: source } of resolved.interfaces) {
      const record = known.live.get(known.numbers.get(digest64(source.id)) ?? -1);
      if (record === undefined) throw new Error(`${source.id} has no record`);
      if (known.devices.get(ifindexOf(source)) !== record) {
        switchDevice(this.maps, known, ifindexOf(source), record);
      }
    }
    return report;
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
