/** Which parts of an edited value are which parts of the text. */
import { type ListText, type Origins, readValue, type TextNode, toPlain, type Value } from "./edit-node.ts";

export interface Matches {
  /** For each item of a list as it is to be: the place of the item in the text that it was, or -1. */
  readonly lists: ReadonlyMap<ListText, readonly number[]>;
  /** What each node of the text that stays is to be. */
  readonly values: ReadonlyMap<TextNode, Value>;
}

/** Matches a file's nodes with what they are to be. Items that were not made anew are known by their origin. */
export function matchValues(root: TextNode, value: Value, origins: Origins): Matches {
  const lists = new Map<ListText, readonly number[]>();
  const values = new Map<TextNode, Value>();
  const visit = (node: TextNode, wanted: Value): void => {
    values.set(node, wanted);
    if (node.kind === "map" && wanted instanceof Map) {
      for (const entry of node.entries) {
        const inner = wanted.get(entry.key);
        if (inner !== undefined) visit(entry.value, inner);
      }
    } else if (node.kind === "list" && Array.isArray(wanted)) {
      const places = matchItems(node, wanted, origins);
      lists.set(node, places);
      for (const [index, place] of places.entries()) {
        const item = node.items[place];
        const inner = wanted[index];
        if (item !== undefined && inner !== undefined) visit(item.value, inner);
      }
    }
  };
  visit(root, value);
  return { lists, values };
}

/**
 * `wanted` made of the maps and lists of `old` where they say the same, so that their origin is still known
 * after several changes of one place.
 */
export function adoptValue(old: Value | undefined, wanted: Value): Value {
  if (old instanceof Map && wanted instanceof Map) {
    const entries = [...wanted].map(([key, value]) => [key, adoptValue(old.get(key), value)] as const);
    old.clear();
    for (const [key, value] of entries) old.set(key, value);
    return old;
  }
  if (!Array.isArray(old) || !Array.isArray(wanted)) return wanted;
  const known = new Map<string, Value[]>();
  for (const item of old) {
    const key = contentKey(item);
    known.set(key, [...(known.get(key) ?? []), item]);
  }
  const items = wanted.map((item) => known.get(contentKey(item))?.shift() ?? item);
  old.splice(0, old.length, ...items);
  return old;
}

function contentKey(value: Value): string {
  const plain = toPlain(value);
  if (typeof plain !== "object" || plain === null || Array.isArray(plain)) return JSON.stringify(plain);
  return JSON.stringify(Object.entries(plain).toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

function matchItems(node: ListText, wanted: readonly Value[], origins: Origins): readonly number[] {
  const candidates = findCandidates(node, wanted, origins);
  const kept = new Set(longestRise(candidates));
  const places = candidates.map((place, index) => (kept.has(index) ? place : -1));
  return pairChanged(node, wanted, places);
}

/** Where each item probably was: by origin, else the first item of the same content that is not taken. */
function findCandidates(node: ListText, wanted: readonly Value[], origins: Origins): number[] {
  const placeOf = new Map<TextNode, number>(node.items.map((item, place) => [item.value, place]));
  const candidates = wanted.map((value) => {
    const origin = typeof value === "object" && value !== null ? origins.get(value) : undefined;
    return (origin === undefined ? undefined : placeOf.get(origin)) ?? -1;
  });
  const taken = new Set(candidates);
  const byContent = new Map<string, number[]>();
  for (const [place, item] of node.items.entries()) {
    if (taken.has(place)) continue;
    const key = contentKey(readValue(item.value));
    const places = byContent.get(key);
    if (places === undefined) byContent.set(key, [place]);
    else places.push(place);
  }
  return candidates.map((place, index) => {
    const value = wanted[index];
    if (place >= 0 || value === undefined) return place;
    return byContent.get(contentKey(value))?.shift() ?? -1;
  });
}

/** Indices of a longest rising subsequence of the numbers that are not negative. */
function longestRise(numbers: readonly number[]): number[] {
  const ends: number[] = [];
  const before: number[] = [];
  for (const [index, value] of numbers.entries()) {
    if (value < 0) continue;
    let low = 0;
    let high = ends.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((numbers[ends[middle] ?? -1] ?? -1) < value) low = middle + 1;
      else high = middle;
    }
    before[index] = ends[low - 1] ?? -1;
    ends[low] = index;
  }
  const rise: number[] = [];
  for (let index = ends.at(-1) ?? -1; index >= 0; index = before[index] ?? -1) rise.push(index);
  return rise.reverse();
}

/** Between two items that stay, as many new maps as old ones are the old ones, changed. */
function pairChanged(node: ListText, wanted: readonly Value[], places: readonly number[]): readonly number[] {
  const result = [...places];
  let lastIndex = -1;
  let lastPlace = -1;
  const pair = (index: number, place: number): void => {
    const fresh = index - lastIndex - 1;
    const gone = place - lastPlace - 1;
    if (fresh === gone) {
      for (let step = 1; step <= fresh; step += 1) {
        const old = node.items[lastPlace + step]?.value;
        if (wanted[lastIndex + step] instanceof Map && old?.kind === "map")
          result[lastIndex + step] = lastPlace + step;
      }
    }
    lastIndex = index;
    lastPlace = place;
  };
  for (const [index, place] of places.entries()) if (place >= 0) pair(index, place);
  pair(wanted.length, node.items.length);
  return result;
}
