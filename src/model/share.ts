/**
 * Two readings of rules have most in common: what says the same is made the same object again. Models never change, so
 * whoever made something of an object need not make it again while that object is there.
 */
import type { Model } from "./model.ts";

/** Whether plain data says the same: values, arrays, maps and objects, each key in the same place. */
function isSame(left: unknown, right: unknown): boolean {
  if (Object.is(left, right)) return true;
  if (typeof left !== "object" || typeof right !== "object" || left === null || right === null) return false;
  if (Array.isArray(left) !== Array.isArray(right) || left instanceof Map !== right instanceof Map)
    return false;
  if (left instanceof Map && right instanceof Map) return isSame([...left], [...right]);
  const [keys, others] = [Object.keys(left), Object.keys(right)];
  return (
    keys.length === others.length &&
    keys.every((key, index) => key === others[index] && isSame(fieldOf(left, key), fieldOf(right, key)))
  );
}

const fieldOf = (of: object, key: string): unknown => (of as Record<string, unknown>)[key];

/** `after` with the entries of `before` that say the same; `before` itself where all do, in the same order. */
function shareSection<T>(
  before: ReadonlyMap<string, T>,
  after: ReadonlyMap<string, T>,
): ReadonlyMap<string, T> {
  const shared = new Map<string, T>();
  for (const [id, entry] of after) {
    const known = before.get(id);
    shared.set(id, known !== undefined && isSame(known, entry) ? known : entry);
  }
  const ids = [...before.keys()];
  const isWhole =
    ids.length === shared.size &&
    [...shared].every(([id, entry], index) => id === ids[index] && before.get(id) === entry);
  return isWhole ? before : shared;
}

/** Says what `after` says, in objects of `before` wherever that has them, places in files among it. */
export function shareModel(before: Model, after: Model): Model {
  return {
    networks: shareSection(before.networks, after.networks),
    prefixLists: shareSection(before.prefixLists, after.prefixLists),
    groups: shareSection(before.groups, after.groups),
    interfaces: shareSection(before.interfaces, after.interfaces),
  };
}
