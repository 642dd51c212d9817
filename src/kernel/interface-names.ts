/** Ids of this host's interfaces by what the kernel knows of them. */
import type { Resolved } from "../policy/types.ts";
import { digest64 } from "./digest.ts";
import type { SyncEngine } from "./engine.ts";
import { EnforcementError } from "./errors.ts";

export class InterfaceNames {
  readonly #engine: SyncEngine;
  #ids = new Map<bigint, string>();

  constructor(engine: SyncEngine) {
    this.#engine = engine;
  }

  /** The model that is in force from now on. */
  follow(resolved: Resolved): void {
    this.#ids = new Map(resolved.interfaces.map(({ interface: source }) => [digest64(source.id), source.id]));
  }

  /** null: no interface of the model. */
  nameOf(digest: bigint): string | null {
    return this.#ids.get(digest) ?? null;
  }

  /** Id and number of one interface, or of all. Throws UNKNOWN_INTERFACE. */
  numbers(interfaceId?: string): readonly (readonly [string, number])[] {
    const known = [...this.#ids].flatMap(([digest, id]): (readonly [string, number])[] => {
      const number = this.#engine.known.numbers.get(digest);
      return number === undefined ? [] : [[id, number]];
    });
    if (interfaceId === undefined) return known;
    const one = known.filter(([id]) => id === interfaceId);
    if (one.length > 0) return one;
    const ids = known.map(([id]) => id).join(", ");
    throw new EnforcementError(
      "UNKNOWN_INTERFACE",
      `${interfaceId} is not an interface of this host in the model; there are: ${ids}`,
    );
  }
}
