/** JSON text to values, with what JSON.parse passes over in silence: a key that stands twice. */
import { Unsayable } from "./finding.ts";

interface Frame {
  /** Keys of this map so far; null for a list. */
  readonly keys: Set<string> | null;
  /** The step that leads to what is being read in it. */
  step: string;
  index: number;
}

/** `.key` where that reads well, else `["key"]`. */
export function keyStep(key: string): string {
  return /^[A-Za-z_][A-Za-z0-9_-]*$/.test(key) ? `.${key}` : `[${JSON.stringify(key)}]`;
}

/** A path such as `SecurityGroups[0].IpPermissions[2]`; the root is empty. */
export function joinPath(path: string, step: string | number): string {
  const joined = `${path}${typeof step === "number" ? `[${step}]` : keyStep(step)}`;
  return joined.startsWith(".") ? joined.slice(1) : joined;
}

/**
 * The path of the first key that stands twice in one map of legal JSON, or null. Walks the text once, without
 * recursion.
 */
function findDuplicateKey(text: string): string | null {
  const token = /"[^"\\]*(?:\\.[^"\\]*)*"|[{}[\],:]/gs;
  const frames: Frame[] = [];
  let atKey = false;
  for (const [found] of text.matchAll(token)) {
    const top = frames.at(-1);
    if (found === "{" || found === "[") {
      frames.push({ keys: found === "{" ? new Set() : null, step: "", index: 0 });
      atKey = found === "{";
    } else if (found === "}" || found === "]") {
      frames.pop();
      atKey = false;
    } else if (found === ",") {
      if (top !== undefined) top.index += 1;
      atKey = top !== undefined && top.keys !== null;
    } else if (found !== ":" && atKey && top !== undefined && top.keys !== null) {
      const key = JSON.parse(found) as string;
      if (top.keys.has(key)) return pathOf(frames.slice(0, -1), key);
      top.keys.add(key);
      top.step = key;
      atKey = false;
    }
  }
  return null;
}

function pathOf(frames: readonly Frame[], key: string): string {
  const path = frames.reduce(
    (joined, { keys, step, index }) => joinPath(joined, keys === null ? index : step),
    "",
  );
  return joinPath(path, key);
}

/** Reads one JSON document. @throws Unsayable for text that is no JSON, and for a key that stands twice */
export function parseJson(text: string): unknown {
  let value: unknown;
  try {
    value = JSON.parse(text.replace(/^\uFEFF/, ""));
  } catch (error) {
    const reason = error instanceof Error ? error.message.split("\n", 1)[0] : String(error);
    throw new Unsayable("bad-file", `this is no JSON (${reason})`);
  }
  const twice = findDuplicateKey(text);
  if (twice !== null) throw new Unsayable("duplicate-key", `\`${twice}\` stands twice`, "one of them");
  return value;
}
