/**
 * What was read of the rules that are in force, kept over restarts: YAML is dear, and an agent that starts after a kill
 * finds the same text nearly always. It is about these very files, limits and program, or else it is not used; everything
 * behind the reading (resolve, compile, proof) is done as ever.
 *
 *   STATE/read-rules      SHA-256 of the rest; the rest as V8 writes it
 */
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { deserialize, serialize } from "node:v8";
import type { ParseOptions, ParseResult } from "../model/parse.ts";
import { parseModelApart } from "../model/parse-apart.ts";
import type { RuleFile } from "./applied.ts";
import { writeWhole } from "./durable.ts";

interface Reading {
  readonly key: string;
  readonly result: ParseResult;
}

/** Reads rules, as parseModelApart does. */
export type ReadRules = (files: readonly RuleFile[], options: ParseOptions) => Promise<ParseResult>;

const digestSize = 32;
/** Characters of rules; what is made of more would hold the event loop up where it is written. */
const charactersAtMost = 8 * 1024 * 1024;
/** After a change, ms: another may follow. */
const writeAfter = 1000;

/** Of the sources that the bundle was made of (scripts/bundle.mjs); in the source tree there is none. */
declare const ringwallSources: string;
const sources = typeof ringwallSources === "undefined" ? null : ringwallSources;

export class RulesCache {
  readonly #path: string;
  readonly #program: string | null;
  readonly #parse: ReadRules;
  /** What an earlier agent left; until the first reading. */
  #isUnread = true;
  /** The last reading, until it is written down. */
  #last: Reading | null = null;
  #timer: NodeJS.Timeout | null = null;

  /** @param program what the readings are of; null: nothing is kept, and nothing found */
  constructor(directory: string, program = sources, parse: ReadRules = parseModelApart) {
    this.#path = join(directory, "read-rules");
    this.#program = program === null ? null : `${program} ${process.version}`;
    this.#parse = parse;
  }

  readonly read: ReadRules = async (files, options) => {
    const key = this.#keyOf(files, options);
    const found = key === null || !this.#isUnread ? null : await this.#find(key);
    this.#isUnread = false;
    if (found !== null) return found;
    const result = await this.#parse(files, options);
    this.#last = key === null || result.model === null ? null : { key, result };
    return result;
  };

  /**
   * These rules are in force: the reading of them is worth keeping. Written in a while, since another change may follow;
   * where it cannot be written the next start reads the rules themselves.
   */
  keepSoon(files: readonly RuleFile[], options: ParseOptions): void {
    if (this.#last?.key !== this.#keyOf(files, options)) return;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#write(), writeAfter);
    this.#timer.unref();
  }

  stop(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }

  async #write(): Promise<void> {
    if (this.#last === null) return;
    const bytes = serialize(this.#last);
    this.#last = null;
    await writeWhole(this.#path, Buffer.concat([digest(bytes), bytes])).catch(() => undefined);
  }

  /** Null where there is none of these files, or it is not whole. */
  async #find(key: string): Promise<ParseResult | null> {
    try {
      const file = await readFile(this.#path);
      const bytes = file.subarray(digestSize);
      if (!digest(bytes).equals(file.subarray(0, digestSize))) return null;
      const reading = deserialize(bytes) as Reading;
      return reading.key === key ? reading.result : null;
    } catch {
      return null;
    }
  }

  /** Of all that a reading depends on; null: it is not kept. */
  #keyOf(files: readonly RuleFile[], options: ParseOptions): string | null {
    const characters = files.reduce((sum, { text }) => sum + text.length, 0);
    if (this.#program === null || characters > charactersAtMost) return null;
    const plain = files.map(({ path, text }) => [path, text]);
    return digest(JSON.stringify([this.#program, options.limits, options.host ?? null, plain])).toString(
      "hex",
    );
  }
}

function digest(content: string | Uint8Array): Buffer {
  return createHash("sha256").update(content).digest();
}
