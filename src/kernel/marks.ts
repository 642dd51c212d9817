/**
 * rw_marks: the secret by which tc ingress of a device knows what XDP of the same device has judged. A device without
 * an XDP program of ours has none, so no mark is believed there, whoever laid it.
 */
import { randomBytes } from "node:crypto";
import type { Finding } from "./finding.ts";
import { Limit } from "./layout.gen.ts";
import { findWords } from "./maps.ts";
import type { BpfMap } from "./native.ts";

/** What of the map is used; tests may bring another. */
export type MarkMap = Pick<BpfMap, "store64" | "load64" | "getRun" | "info">;

export class Marks {
  readonly #map: MarkMap;
  /** place -> device and secret. */
  readonly #places = new Map<number, { readonly ifindex: number; readonly secret: bigint }>();

  constructor(map: MarkMap) {
    this.#map = map;
  }

  /**
   * A secret for a device, before XDP goes on it; the one that an earlier agent chose is kept, since frames carry it.
   * False where another device, whose ifindex has the same low bits, has the place: tc then judges alone.
   */
  set(ifindex: number): boolean {
    const place = ifindex % Limit.DEVICES_NEAR;
    const holder = this.#places.get(place);
    if (holder !== undefined) return holder.ifindex === ifindex;
    const found = this.#map.load64(place);
    const secret = found === 0n ? randomSecret() : found;
    if (found === 0n) this.#map.store64(place, secret);
    this.#places.set(place, { ifindex, secret });
    return true;
  }

  /** No mark is believed on the device any more. */
  clear(ifindex: number): void {
    const place = ifindex % Limit.DEVICES_NEAR;
    if (this.#places.get(place)?.ifindex !== ifindex) return;
    this.#map.store64(place, 0n);
    this.#places.delete(place);
  }

  /** Takes away what an earlier agent left at places that none of the devices set holds. */
  clearOthers(): void {
    for (const { mend } of this.find()) mend?.();
  }

  /** Places that hold something else than they were given. */
  find(): readonly Finding[] {
    const found: Finding[] = [];
    const words = findWords(this.#map.getRun(0, Limit.DEVICES_NEAR));
    for (const place of new Set([...words.keys(), ...this.#places.keys()])) {
      const known = this.#places.get(place);
      const [held, wanted] = [words.get(place) ?? 0n, known?.secret ?? 0n];
      if (held === wanted) continue;
      found.push({
        map: this.#map.info.name,
        message:
          known === undefined
            ? `place ${place} held a mark, though XDP judges nothing there: frames that carry it passed unjudged`
            : `device ${known.ifindex} had another mark: its frames were judged twice`,
        interfaces: [],
        ...(known === undefined ? { isAdded: true } : {}),
        mend: () => this.#map.store64(place, wanted),
      });
    }
    return found;
  }
}

/** 64 bits, never 0. */
function randomSecret(): bigint {
  return randomBytes(8).readBigUInt64LE() || randomSecret();
}
