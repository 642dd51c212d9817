/** A YAML document as plain nodes: text, places, and nothing that the rules do not need. */

/** Offsets are into the file's text, in UTF-16 units. */
export interface ScalarNode {
  readonly kind: "scalar";
  readonly at: number;
  /** What YAML 1.2's core schema makes of it; the text itself for quoted and block scalars. */
  readonly value: string | number | boolean | null;
  /** As written for plain scalars, else the value. */
  readonly text: string;
  readonly plain: boolean;
}

export interface MapEntry {
  readonly key: string;
  readonly keyAt: number;
  readonly value: YamlNode;
}

export interface MapNode {
  readonly kind: "map";
  readonly at: number;
  readonly entries: readonly MapEntry[];
}

export interface ListNode {
  readonly kind: "list";
  readonly at: number;
  readonly items: readonly YamlNode[];
}

export type YamlNode = ScalarNode | MapNode | ListNode;

export function findEntry(node: YamlNode | undefined, key: string): MapEntry | undefined {
  if (node?.kind !== "map") return undefined;
  return node.entries.find((entry) => entry.key === key);
}

/** The node at a path of keys and indices, or undefined. */
export function nodeAt(root: YamlNode | undefined, path: readonly PropertyKey[]): YamlNode | undefined {
  let node = root;
  for (const step of path) {
    if (typeof step === "number") node = node?.kind === "list" ? node.items[step] : undefined;
    else node = findEntry(node, String(step))?.value;
  }
  return node;
}

/** The value as plain objects, lists and scalars; `__proto__` is a key like any other. */
export function toPlain(node: YamlNode): unknown {
  switch (node.kind) {
    case "scalar":
      return node.value;
    case "list":
      return node.items.map(toPlain);
    case "map": {
      const object: Record<string, unknown> = {};
      for (const { key, value } of node.entries) {
        // Assigning `__proto__` would change the object; defining every property would make it slow.
        if (key === "__proto__") setOwn(object, key, toPlain(value));
        else object[key] = toPlain(value);
      }
      return object;
    }
    default:
      return node satisfies never;
  }
}

/** Sets an own property, whatever its name. */
export function setOwn(object: object, key: PropertyKey, value: unknown): void {
  Object.defineProperty(object, key, { value, writable: true, enumerable: true, configurable: true });
}
