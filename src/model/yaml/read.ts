/** A file's text to nodes: scanned, then parsed whole or in pieces. */
import { Diagnostics } from "../diagnostic.ts";
import { composeYaml } from "./compose.ts";
import type { MapEntry, MapNode, YamlNode } from "./node.ts";
import { cutPieces, type Piece, wholeTextMax } from "./pieces.ts";
import { scanText } from "./scan.ts";
import type { Source } from "./source.ts";

/** The share of the work that is the scan. */
const scanShare = 0.15;

/**
 * Reads one YAML text. Yields the number of characters that are done, so that the caller can let others run
 * or show progress; returns undefined where there is nothing, or where `diagnostics` has got an error.
 */
export function* readYaml(source: Source, diagnostics: Diagnostics): Generator<number, YamlNode | undefined> {
  const before = diagnostics.errorCount;
  const scan = scanText(source, diagnostics);
  let step = scan.next();
  for (; !step.done; step = scan.next()) yield step.value * scanShare;
  const { ok, whole } = step.value;
  if (!ok) return undefined;
  const pieces = whole || source.text.length <= wholeTextMax ? null : cutPieces(source.text);
  if (pieces !== null) {
    const node = yield* readPieces(source, pieces);
    if (node !== undefined) return node;
  }
  const { node } = composeYaml(source, diagnostics);
  return diagnostics.errorCount > before ? undefined : node;
}

/** undefined: some piece does not parse alone; the whole text says why. */
function* readPieces(source: Source, pieces: readonly Piece[]): Generator<number, YamlNode | undefined> {
  const entries: MapEntry[] = [];
  let section: MapEntry[] = [];
  const keys = new Set<string>();
  for (const piece of pieces) {
    if (piece.kind === "section") {
      section = [];
      const value: YamlNode = { kind: "map", at: piece.at, entries: section };
      entries.push({ key: piece.key, keyAt: piece.at, value });
      continue;
    }
    const found = readPiece(source, piece.from, piece.to);
    if (found === undefined) return undefined;
    for (const entry of found) (piece.kind === "top" ? entries : section).push(entry);
    yield source.text.length * scanShare + piece.to * (1 - scanShare);
  }
  for (const { key, value } of entries) {
    // A section without entries is no map; of a key that stands twice the whole text knows both places.
    if (keys.has(key) || (value.kind === "map" && !isSound(value))) return undefined;
    keys.add(key);
  }
  return { kind: "map", at: 0, entries };
}

function readPiece(source: Source, from: number, to: number): readonly MapEntry[] | undefined {
  const diagnostics = new Diagnostics();
  const { node } = composeYaml(source, diagnostics, from, to);
  return diagnostics.hasErrors || node?.kind !== "map" ? undefined : node.entries;
}

function isSound({ entries }: MapNode): boolean {
  return entries.length > 0 && new Set(entries.map((entry) => entry.key)).size === entries.length;
}
