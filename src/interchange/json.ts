/** JSON text to values, with what JSON.parse passes over in silence: a key that stands twice. */
import { Unsayable } from "./finding.ts";

interface Frame {
  /** Keys of this map so far; null for a list. */
  readonly keys: Set<string> | null;
  /** The key that leads to what is being read in it. */
  key: string;
  index: number;
}

/** Deeper than any answer of a cloud; JSON.parse itself takes seconds for millions of brackets. */
const depthMax = 64;

/** `.key` where that reads well, else `["key"]`. */
export function keyStep(key: string): string {
  return /^[A-Za-z_][A-Za-z0-9_-]*$/.test(key) ? `.${key}` : `[${JSON.stringify(key)}]`;
}

/** A path such as `SecurityGroups[0].IpPermissions[2]`; the root is empty, or a file's `a.json: `. */
export function joinPath(path: string, step: string | number): string {
  const next = typeof step === "number" ? `[${step}]` : keyStep(step);
  return path === "" || path.endsWith(": ") ? `${path}${next.replace(/^\./, "")}` : `${path}${next}`;
}

type Scan = { readonly kind: "sound" | "deep" } | { readonly kind: "twice"; readonly path: string };

/** Where the string that begins at `start` ends, behind its quote. */
function endOfString(text: string, start: number): number {
  for (let at = start + 1; ; ) {
    const quote = text.indexOf('"', at);
    if (quote < 0) return text.length;
    let escapes = quote;
    while (text.charCodeAt(escapes - 1) === 0x5c && escapes - 1 > start) escapes -= 1;
    if ((quote - escapes) % 2 === 0) return quote + 1;
    at = quote + 1;
  }
}

/** One walk over the text, without recursion: how deep it is, and the first key that stands twice in its map. */
function scanJson(text: string): Scan {
  const frames: Frame[] = [];
  let atKey = false;
  for (let at = 0; at < text.length; at += 1) {
    const top = frames.at(-1);
    switch (text[at]) {
      case "{":
      case "[":
        if (frames.length === depthMax) return { kind: "deep" };
        atKey = text[at] === "{";
        frames.push({ keys: atKey ? new Set() : null, key: "", index: 0 });
        break;
      case "}":
      case "]":
        frames.pop();
        atKey = false;
        break;
      case ",":
        if (top !== undefined) top.index += 1;
        atKey = top !== undefined && top.keys !== null;
        break;
      case '"': {
        const end = endOfString(text, at);
        if (atKey && top !== undefined && top.keys !== null) {
          const key = decodeKey(text.slice(at, end));
          if (top.keys.has(key)) return { kind: "twice", path: pathOf(frames.slice(0, -1), key) };
          top.keys.add(key);
          top.key = key;
        }
        atKey = false;
        at = end - 1;
        break;
      }
      default:
    }
  }
  return { kind: "sound" };
}

/** A key that is no JSON is its own: the parse that follows refuses it. */
function decodeKey(text: string): string {
  try {
    return JSON.parse(text) as string;
  } catch {
    return text;
  }
}

function pathOf(frames: readonly Frame[], last: string): string {
  const path = frames.reduce(
    (joined, { keys, key, index }) => joinPath(joined, keys === null ? index : key),
    "",
  );
  return joinPath(path, last);
}

/** Reads one JSON document. @throws Unsayable for text that is no JSON, too deep, or has a key twice in a map */
export function parseJson(text: string): unknown {
  const scan = scanJson(text);
  if (scan.kind === "deep")
    throw new Unsayable("bad-file", `maps and lists are nested more than ${depthMax} deep`);
  const value = readValue(text.replace(/^\uFEFF/, ""));
  if (scan.kind === "twice")
    throw new Unsayable("duplicate-key", `\`${scan.path}\` stands twice`, "one of them");
  return value;
}

function readValue(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    const reason = error instanceof Error ? error.message.split("\n", 1)[0] : String(error);
    throw new Unsayable("bad-file", `this is no JSON (${reason?.slice(0, 200)})`);
  }
}
