/** A file's text to nodes: scanned, then parsed whole or in pieces. */
import { Diagnostics } from "../diagnostic.ts";
import { composeYaml, reportTwice } from "./compose.ts";
import type { MapEntry, MapNode, YamlNode } from "./node.ts";
import { cutPieces, type Piece, wholeTextMax } from "./pieces.ts";
import { scanText } from "./scan.ts";
import type { Source } from "./source.ts";

/** Characters of the largest text that is parsed a second time, whole, for a fault in one of its pieces. */
export const wholeAgainMax = 2 * 1024 * 1024;
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
  const read = pieces === null ? "whole" : yield* readPieces(source, pieces, diagnostics);
  const node = read === "whole" ? composeYaml(source, diagnostics).node : read;
  return diagnostics.errorCount > before ? undefined : node;
}

/**
 * Where a piece has a fault or is no map, the whole says what it is: it may know better what was meant. Of a large
 * text the pieces' own faults have to do.
 */
function* readPieces(
  source: Source,
  pieces: readonly Piece[],
  diagnostics: Diagnostics,
): Generator<number, MapNode | "whole"> {
  const isLarge = source.text.length > wholeAgainMax;
  const before = diagnostics.errorCount;
  const found = isLarge ? diagnostics : new Diagnostics();
  const top = new Entries(source, found);
  const sections: Entries[] = [];
  for (const piece of pieces) {
    if (piece.kind === "section") {
      const section = new Entries(source, found);
      sections.push(section);
      top.add({ key: piece.key, keyAt: piece.at, value: section.asNode(piece.at) });
      continue;
    }
    const faults = found.errorCount;
    const { node } = composeYaml(source, found, piece.from, piece.to);
    if (found.errorCount === faults && node?.kind !== "map") return "whole";
    const map = piece.kind === "top" ? top : sections.at(-1);
    if (node?.kind === "map") for (const entry of node.entries) map?.add(entry);
    if (!isLarge && found.hasErrors) return "whole";
    yield source.text.length * scanShare + piece.to * (1 - scanShare);
  }
  // A section without entries is no map. What faults a large text has are said already.
  const isMap = sections.every(({ isEmpty }) => !isEmpty);
  return isMap || (isLarge && diagnostics.errorCount > before) ? top.asNode(0) : "whole";
}

/** Entries of one map that come in pieces: a key that stands in two of them stands twice. */
class Entries {
  readonly #source: Source;
  readonly #diagnostics: Diagnostics;
  readonly #entries: MapEntry[] = [];
  readonly #places = new Map<string, number>();

  constructor(source: Source, diagnostics: Diagnostics) {
    this.#source = source;
    this.#diagnostics = diagnostics;
  }

  add(entry: MapEntry): void {
    const first = this.#places.get(entry.key);
    if (first !== undefined)
      reportTwice(
        this.#diagnostics,
        entry.key,
        this.#source.placeAt(entry.keyAt),
        this.#source.placeAt(first),
      );
    this.#places.set(entry.key, entry.keyAt);
    this.#entries.push(entry);
  }

  get isEmpty(): boolean {
    return this.#entries.length === 0;
  }

  /** Live: entries that are added later are in it. */
  asNode(at: number): MapNode {
    return { kind: "map", at, entries: this.#entries };
  }
}
