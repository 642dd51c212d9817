/** The way of a change from a model in memory until the kernel judges by it, on maps of its own. */

import type { EngineReport } from "../../src/kernel/engine.ts";
import { Limit } from "../../src/kernel/layout.gen.ts";
import { native } from "../../src/kernel/native.ts";
import type { Model } from "../../src/model/model.ts";
import { shareModel } from "../../src/model/share.ts";
import { proveResolved } from "../../src/policy/prove-source.ts";
import { EngineBed } from "../kernel/engine-bed.ts";
import { model } from "../unit/policy/compile-fixture.ts";
import { timeOf } from "./context.ts";

const here = "here";
const nothing = model({ groups: [], interfaces: [] });

export interface Change {
  /** Milliseconds. */
  readonly time: number;
  readonly report: EngineReport;
}

export class ChangeBed {
  readonly #bed: EngineBed;
  readonly #interfaces: number;
  #inForce: Model = nothing;

  static async open(interfaces: number): Promise<ChangeBed> {
    return new ChangeBed(await EngineBed.open(interfaces, {}), interfaces);
  }

  private constructor(bed: EngineBed, interfaces: number) {
    this.#bed = bed;
    this.#interfaces = interfaces;
  }

  /** Resolved, proven, compiled, written, read back, proven, switched. What comes after, the bed waits for, untimed. */
  async apply(wanted: Model): Promise<Change> {
    await this.#bed.engine.settle();
    // As an agent reads it: what it has in common with the one in force is the same objects.
    const next = shareModel(this.#inForce, wanted);
    this.#inForce = next;
    let report: EngineReport | undefined;
    const time = await timeOf(async () => {
      report = await this.#bed.apply(next, undefined, (resolved, before) => {
        const problem = proveResolved(resolved, here, before);
        if (problem !== null) throw new Error(problem);
      });
    });
    await this.#bed.engine.settle();
    if (report === undefined) throw new Error("nothing was applied");
    return { time, report };
  }

  async clear(): Promise<void> {
    await this.apply(nothing);
  }

  /** Makes the interfaces' session tables, where they have none; milliseconds. */
  async makeTables(): Promise<number> {
    await this.#bed.engine.settle();
    const entries = Limit.SESSION_TABLE_MIN * native().possibleCpus();
    const sizes = { established: entries, answered: entries, opening: entries };
    const numbers = Array.from({ length: this.#interfaces }, (_, index) => index + 1);
    return timeOf(() => this.#bed.engine.tables.prepare(new Map(numbers.map((number) => [number, sizes]))));
  }

  close(): void {
    this.#bed.close();
  }
}
