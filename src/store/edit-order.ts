/** The usual order of keys, which is the schema's. */
import {
  groupShape,
  instanceShape,
  interfaceShape,
  networkShape,
  prefixListShape,
  ruleShape,
  rulesShape,
} from "../model/schema.ts";
import type { Value, ValueMap } from "./edit-node.ts";

const orders: readonly (readonly string[])[] = [
  rulesShape,
  networkShape,
  prefixListShape,
  groupShape,
  ruleShape,
  instanceShape,
  interfaceShape,
].map((shape) => Object.keys(shape.shape));

/** The order that a map's keys come from: the one that knows all of them. */
function orderOf(keys: readonly string[]): readonly string[] {
  return orders.find((order) => keys.every((key) => order.includes(key))) ?? [];
}

/** Sets a key; a new one goes behind those that usually stand before it. */
export function insertInOrder(map: ValueMap, key: string, value: Value): void {
  if (map.has(key)) {
    map.set(key, value);
    return;
  }
  const order = orderOf([...map.keys(), key]);
  const place = order.indexOf(key);
  const before = [...map.keys()].findLastIndex((other) => order.indexOf(other) < place) + 1;
  const entries: [string, Value][] = [...map];
  entries.splice(place < 0 ? entries.length : before, 0, [key, value]);
  map.clear();
  for (const [name, inner] of entries) map.set(name, inner);
}
