/** One YAML text (a file, or a piece of one) to nodes, with every fault of its syntax. */
import {
  type Alias,
  isAlias,
  isMap,
  isScalar,
  type ParsedNode,
  parseDocument,
  Scalar,
  type YAMLMap,
  type YAMLSeq,
} from "yaml";
import type { DiagnosticCode, Diagnostics } from "../diagnostic.ts";
import type { Place } from "../model.ts";
import { quote } from "../text.ts";
import { fileBytesMax } from "./decode.ts";
import type { ListNode, MapEntry, MapNode, ScalarNode, YamlNode } from "./node.ts";
import type { Source } from "./source.ts";

/** Node of an anchor; undefined while it is being read, so that it cannot hold itself. */
type Anchors = Map<string, { node: YamlNode | undefined; weight: number }>;

export interface Composed {
  /** undefined: the text holds nothing, or is refused. */
  readonly node: YamlNode | undefined;
}

/**
 * Parses `source.text.slice(from, to)`. Faults go to `diagnostics`; the node is then not to be used.
 * YAML 1.2, core schema; duplicate keys, merge keys, tags, directives and second documents are refused.
 */
export function composeYaml(
  source: Source,
  diagnostics: Diagnostics,
  from = 0,
  to = source.text.length,
): Composed {
  return new Composer(source, diagnostics, from).compose(source.text.slice(from, to));
}

/** A key that stands twice in one map, with the place of the first one. */
export function reportTwice(diagnostics: Diagnostics, key: string, place: Place, first: Place): void {
  const related = [{ place: first, message: "the first one is" }];
  const message = `the key ${quote(key)} stands twice in one map: leave one out`;
  diagnostics.add("duplicate-key", place, message, { related });
}

/** Short texts that come again and again (keys, `ingress`, `tcp`): one string each instead of thousands. */
class Interner {
  readonly #texts = new Map<string, string>();

  take(text: string): string {
    if (text.length > 16) return text;
    const known = this.#texts.get(text);
    if (known !== undefined) return known;
    if (this.#texts.size < 4096) this.#texts.set(text, text);
    return text;
  }
}

const interner = new Interner();

class Composer {
  readonly #source: Source;
  readonly #diagnostics: Diagnostics;
  readonly #base: number;
  readonly #anchors: Anchors = new Map();
  /** Characters that the text would have with every alias written out. */
  #weight = 0;
  #tooHeavy = false;

  constructor(source: Source, diagnostics: Diagnostics, base: number) {
    this.#source = source;
    this.#diagnostics = diagnostics;
    this.#base = base;
  }

  compose(text: string): Composed {
    const document = parseDocument(text, {
      version: "1.2",
      schema: "core",
      merge: false,
      uniqueKeys: false,
      prettyErrors: false,
      keepSourceTokens: false,
      // "silent" would pass over a second document.
      logLevel: "error",
    });
    for (const { code, message, pos } of document.errors) this.#addSyntax(code, message, pos[0]);
    if (document.directives?.yaml.explicit) {
      this.#add("yaml-feature", 0, "a `%YAML` directive: leave it out, files are YAML 1.2");
    }
    if (document.errors.length > 0 || document.contents === null) return { node: undefined };
    this.#weight = text.length;
    return { node: this.#convert(document.contents) };
  }

  #add(code: DiagnosticCode, offset: number, message: string): void {
    this.#diagnostics.add(code, this.#source.placeAt(this.#base + offset), message);
  }

  #addSyntax(libraryCode: string, libraryMessage: string, offset: number): void {
    if (libraryCode === "TAB_AS_INDENT") {
      this.#add("tab", offset, "a tab in the indentation: write spaces");
    } else if (libraryCode === "MULTIPLE_DOCS") {
      this.#add("second-document", offset, "a second document begins here: put it into a file of its own");
    } else {
      this.#add("yaml-syntax", offset, describeSyntax(libraryCode, libraryMessage));
    }
  }

  #convert(node: ParsedNode | null): YamlNode {
    if (node === null) return { kind: "scalar", at: this.#base, value: null, text: "", plain: true };
    if (isAlias(node)) return this.#resolveAlias(node);
    if (node.tag !== undefined) {
      this.#add("yaml-feature", node.range[0], `the tag ${quote(node.tag)}: leave it out`);
    }
    const before = this.#weight;
    const anchor = node.anchor;
    if (anchor !== undefined) this.#anchors.set(anchor, { node: undefined, weight: 0 });
    const converted = this.#convertContent(node);
    if (anchor !== undefined) {
      const weight = node.range[1] - node.range[0] + this.#weight - before;
      this.#anchors.set(anchor, { node: converted, weight });
    }
    return converted;
  }

  #convertContent(node: Scalar.Parsed | YAMLMap.Parsed | YAMLSeq.Parsed): YamlNode {
    if (isScalar(node)) return this.#convertScalar(node);
    if (isMap(node)) return this.#convertMap(node);
    return this.#convertList(node);
  }

  #convertScalar(node: Scalar.Parsed): ScalarNode {
    const at = this.#base + node.range[0];
    const plain = node.type === Scalar.PLAIN;
    const { value } = node;
    if (typeof value === "string") {
      if (plain && value === node.source) {
        const shared = interner.take(value);
        return { kind: "scalar", at, value: shared, text: shared, plain };
      }
      return { kind: "scalar", at, value, text: plain ? node.source : value, plain };
    }
    const known = value === null || typeof value === "number" || typeof value === "boolean";
    return { kind: "scalar", at, value: known ? value : node.source, text: node.source, plain };
  }

  #convertList(node: YAMLSeq.Parsed): ListNode {
    const items: YamlNode[] = [];
    for (const item of node.items) {
      if (this.#tooHeavy) break;
      items.push(this.#convert(item));
    }
    return { kind: "list", at: this.#base + node.range[0], items };
  }

  #convertMap(node: YAMLMap.Parsed): MapNode {
    const entries: MapEntry[] = [];
    const seen = new Map<string, number>();
    for (const pair of node.items) {
      if (this.#tooHeavy) break;
      const entry = this.#convertPair(pair.key, pair.value);
      if (entry === null) continue;
      const first = seen.get(entry.key);
      if (first !== undefined) {
        reportTwice(
          this.#diagnostics,
          entry.key,
          this.#source.placeAt(entry.keyAt),
          this.#source.placeAt(first),
        );
      }
      seen.set(entry.key, entry.keyAt);
      entries.push(entry);
    }
    return { kind: "map", at: this.#base + node.range[0], entries };
  }

  #convertPair(key: ParsedNode | null, value: ParsedNode | null): MapEntry | null {
    if (!isScalar(key) || (key.type === Scalar.PLAIN && key.source === "")) {
      this.#add(
        "key-not-text",
        key?.range[0] ?? value?.range[0] ?? 0,
        "a key has to be a text: write a name",
      );
      return null;
    }
    const node = this.#convertScalar(key);
    if (key.anchor !== undefined || key.tag !== undefined) {
      this.#add("yaml-feature", key.range[0], "an anchor or tag at a key: leave it out");
    }
    if (node.text === "<<" && node.plain) {
      const message = "`<<` merges nothing here: write the keys out, or use an alias for a whole value";
      this.#add("merge-key", key.range[0], message);
      return null;
    }
    const converted =
      value === null
        ? { kind: "scalar" as const, at: node.at, value: null, text: "", plain: true }
        : this.#convert(value);
    return { key: node.text, keyAt: node.at, value: converted };
  }

  #resolveAlias(alias: Alias.Parsed): YamlNode {
    const at = alias.range[0];
    const empty: YamlNode = { kind: "scalar", at: this.#base + at, value: null, text: "", plain: true };
    const found = this.#anchors.get(alias.source);
    if (found?.node === undefined) {
      const why = found === undefined ? "has no anchor before it" : "stands within its own anchor";
      this.#add("alias", at, `the alias ${quote(`*${alias.source}`)} ${why}: write the value out`);
      return empty;
    }
    this.#weight += found.weight;
    if (this.#weight <= fileBytesMax) return found.node;
    if (!this.#tooHeavy) {
      const message = `with its aliases written out the file has more than ${fileBytesMax} characters (64 MiB)`;
      this.#add("alias-expansion", at, `${message}: use fewer aliases`);
    }
    this.#tooHeavy = true;
    return empty;
  }
}

/** The parser's own words where they help, better ones where they do not. */
function describeSyntax(code: string, message: string): string {
  switch (code) {
    case "BLOCK_AS_IMPLICIT_KEY":
      return "a second `: ` in one line: quote the value, or begin a new line";
    case "MULTILINE_IMPLICIT_KEY":
      return "no `: ` at the end of this key, or a key over several lines: write `key: value`";
    case "BAD_SCALAR_START":
      return `${message}: quote the value`;
    default:
      return `${message}: mend the YAML here`;
  }
}
