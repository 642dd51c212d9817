/** What is proven of the versions in the maps. A version never changes: once proven it stays so until it is erased. */
import type { CompiledPolicy, Resolved } from "../policy/types.ts";
import { errorText } from "./errors.ts";
import type { SyncMaps } from "./maps.ts";
import type { ChangePlan } from "./plan.ts";
import { isSamePolicy } from "./policy-entries.ts";
import { type Identities, proveHeld } from "./proof.ts";
import { proveWritten } from "./prove-written.ts";
import { readPolicy } from "./read-policy.ts";
import { createPauses } from "./slices.ts";
import type { KnownState } from "./state.ts";

/** Since the agent began. */
export interface ProofCounts {
  readonly proven: number;
  readonly refused: number;
}

export class Proofs {
  /** Version -> when it was proven last. */
  readonly #proven = new Map<number, Date>();
  /** Version -> why it is not what its rules say. */
  readonly #broken = new Map<number, string>();
  #counts: ProofCounts = { proven: 0, refused: 0 };

  get counts(): ProofCounts {
    return this.#counts;
  }

  /** Null: it was not proven, or something else wrote to it. */
  provenAt(version: number): Date | null {
    return this.#proven.get(version) ?? null;
  }

  get broken(): ReadonlySet<number> {
    return new Set(this.#broken.keys());
  }

  /** Proves what a change wrote. Throws UNPROVEN. */
  async proveNew(maps: SyncMaps, plan: ChangePlan, identities: Identities): Promise<void> {
    try {
      await proveWritten(maps, plan, identities, (version) => this.note(version, null));
    } catch (error) {
      // Whatever was proven of it is taken back with the rest.
      this.forget(plan.policies.map(({ version }) => version));
      this.#counts = { ...this.#counts, refused: this.#counts.refused + 1 };
      throw error;
    }
  }

  /** Proves what an earlier agent wrote and this model keeps, once. What is not proven is `broken` then. */
  async proveKept(
    maps: SyncMaps,
    known: KnownState,
    model: { readonly resolved: Resolved; readonly policies: ReadonlyMap<bigint, CompiledPolicy> },
  ): Promise<void> {
    const pause = createPauses();
    for (const [version, stored] of known.policies) {
      const compiled = model.policies.get(stored.header.key);
      if (this.#proven.has(version) || compiled === undefined) continue;
      if (!isSamePolicy(stored.header, compiled)) continue;
      let problem: string | null;
      try {
        const held = readPolicy(maps, version, stored);
        problem = proveHeld(compiled.source, model.resolved.identities, held);
      } catch (error) {
        problem = errorText(error);
      }
      this.note(version, problem);
      await pause();
    }
  }

  /** `problem`: null where the version is proven. */
  note(version: number, problem: string | null): void {
    const { proven, refused } = this.#counts;
    if (problem === null) {
      this.#proven.set(version, new Date());
      this.#broken.delete(version);
      this.#counts = { proven: proven + 1, refused };
    } else {
      this.#proven.delete(version);
      this.#broken.set(version, problem);
      this.#counts = { proven, refused: refused + 1 };
    }
  }

  /** All other versions are gone. */
  retain(versions: ReadonlyMap<number, unknown>): void {
    this.forget([...this.#proven.keys(), ...this.#broken.keys()].filter((version) => !versions.has(version)));
  }

  /** These versions are gone. */
  forget(versions: Iterable<number>): void {
    for (const version of versions) {
      this.#proven.delete(version);
      this.#broken.delete(version);
    }
  }
}
