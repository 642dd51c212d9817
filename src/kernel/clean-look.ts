/**
 * Looks that found nothing wrong. While the maps are byte for byte what they were then, and so is all that they were held
 * against, another look would say the same: nothing is decoded and proven again.
 */
import { createHash } from "node:crypto";
import type { CompiledPolicy, Resolved } from "../policy/types.ts";
import type { MapEntries, SyncMaps } from "./maps.ts";
import { type RawMaps, rawNames } from "./readback.ts";
import { eachIdentity, type KnownState } from "./state.ts";

/** All entries as they were read, and a digest of them and of the cells and words of known policies. */
export interface Image {
  readonly maps: RawMaps;
  readonly digest: string;
}

/** Off the event loop as far as the kernel is asked. */
export async function readImage(maps: SyncMaps, known: KnownState): Promise<Image> {
  const hash = createHash("sha256");
  const read = new Map<string, MapEntries>();
  for (const name of rawNames) {
    const entries = await maps[name].entriesAsync();
    read.set(name, entries);
    // Keys and values have their sizes: by the count it is plain where one ends.
    hash.update(`${name} ${entries.count} `).update(entries.keys).update(entries.values);
  }
  for (const { header } of known.policies.values())
    hash
      .update(maps.cells.getRun(header.cells, header.cellsCount))
      .update(maps.words.getRun(header.words, header.wordsCount));
  return { maps: holdEntries(read, maps.slots.maxEntries), digest: hash.digest("base64") };
}

function holdEntries(read: ReadonlyMap<string, MapEntries>, slots: number): RawMaps {
  const held = (name: string) => ({
    entriesAsync: async () =>
      read.get(name) ?? { count: 0, keys: new Uint8Array(), values: new Uint8Array() },
  });
  const all = Object.fromEntries(rawNames.map((name) => [name, held(name)]));
  return { ...(all as Omit<RawMaps, "slots">), slots: { ...held("slots"), maxEntries: slots } };
}

/** All that an answer follows from. */
export interface Look {
  readonly digest: string;
  readonly resolved: Resolved;
  readonly policies: ReadonlyMap<bigint, CompiledPolicy>;
  readonly isHeld: boolean;
  /** listKnown. */
  readonly known: readonly unknown[];
}

/** What is known, end to end. Values are replaced and never changed, so each is itself as long as it says the same. */
export function listKnown(known: KnownState): readonly unknown[] {
  const { generation, live, records, numbers, devices, slots, policies, uplinks } = known;
  const list: unknown[] = [generation];
  for (const map of [live, records, numbers, devices, slots, policies, uplinks]) {
    list.push(map.size);
    for (const [key, value] of map as ReadonlyMap<unknown, unknown>) list.push(key, value);
  }
  for (const { network, address, entry } of eachIdentity(known.identities))
    list.push(network, address, entry);
  return list;
}

function isSame(one: Look, other: Look): boolean {
  return (
    one.digest === other.digest &&
    one.resolved === other.resolved &&
    one.policies === other.policies &&
    one.isHeld === other.isHeld &&
    one.known.length === other.known.length &&
    one.known.every((value, index) => value === other.known[index])
  );
}

/**
 * Twice: a proof reads some of it by itself, a moment after the image. What was another for that moment alone would be
 * remembered as right, once.
 */
const enough = 2;

export class CleanLooks {
  #last: Look | null = null;
  #times = 0;
  #proven: readonly number[] = [];

  /** The versions that are proven since nothing changed; null: it has to be looked at. */
  findProven(look: Look): readonly number[] | null {
    const isKnown = this.#times >= enough && this.#last !== null && isSame(this.#last, look);
    return isKnown ? this.#proven : null;
  }

  /** `proven`: the versions that were; null: something was amiss. */
  note(look: Look, proven: readonly number[] | null): void {
    const isAgain = proven !== null && this.#last !== null && isSame(this.#last, look);
    this.#times = isAgain ? this.#times + 1 : 1;
    this.#last = proven === null ? null : look;
    this.#proven = proven ?? [];
  }
}
