/**
 * What has to hold before a text is parsed: size, tabs, control characters, depth, and aliases only where
 * their cost can be known. The parser takes 0.3 s and 50 MB for a megabyte, far more for nested brackets;
 * this takes 0.05 s for a megabyte and nothing for what it refuses early.
 */
import { Lexer } from "yaml";
import type { Diagnostics } from "../diagnostic.ts";
import { describeTooLarge, fileBytesMax } from "./decode.ts";
import type { Source } from "./source.ts";

/** Lists and maps within each other; a rules file needs eight. */
export const depthMax = 32;
/** Characters of the largest text with anchors, aliases or tags: it is parsed whole, and their expansion is counted after parsing, within a second. */
export const aliasTextMax = 2 * 1024 * 1024;
/**
 * Time and memory of the parser go by lexemes, not by characters: 2 MB of commas take it 20 s. Rules have one
 * in four characters; from 200,000 on more than six in ten are refused.
 */
const lexemesFree = 200_000;
const lexemesPerCharacter = 0.6;

/** Characters of the longest value or key; a legal one has some 300. The parser takes 0.2 s for a megabyte of one. */
export const scalarMax = 16_384;
/**
 * Lines of the longest text whose lines may be as short as they like, and characters of a line, on average, from
 * there on: empty lines and comments cost the lexer as much as rules do.
 */
const linesFree = 200_000;
const charactersPerLine = 8;

export interface ScanResult {
  readonly ok: boolean;
  /** Anchors, aliases, tags or directives occur: the text has to be parsed in one piece. */
  readonly whole: boolean;
}

/** What YAML calls not printable (chapter 5.1), but for surrogates, which valid UTF-8 does not have. */
const controlCharacter = /(?![\t\n\r\u0085])[\p{Cc}\ufffe\uffff]/u;
const tabIndent = /^ *\t[ \t]*(?=[^\s#])/m;
const steps = 20_000;

function checkCharacters(source: Source, diagnostics: Diagnostics): boolean {
  const { text } = source;
  if (text.length > fileBytesMax || Buffer.byteLength(text) > fileBytesMax) {
    diagnostics.add("file-too-large", source.place, describeTooLarge(Buffer.byteLength(text)));
    return false;
  }
  if (countLines(text) > Math.max(linesFree, text.length / charactersPerLine)) {
    const message = `more than ${linesFree} lines, and less than ${charactersPerLine} characters in one: take out empty lines and comments`;
    diagnostics.add("too-dense", source.place, message);
    return false;
  }
  const control = controlCharacter.exec(text);
  if (control !== null) {
    const code = (control[0].codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0");
    const place = source.placeAt(control.index);
    diagnostics.add("control-character", place, `the control character U+${code}: leave it out`);
    return false;
  }
  const tab = tabIndent.exec(text);
  if (tab !== null) {
    const place = source.placeAt(tab.index + tab[0].indexOf("\t"));
    diagnostics.add("tab", place, "a tab in the indentation: write spaces");
    return false;
  }
  return true;
}

function countLines(text: string): number {
  let count = 0;
  for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", at + 1)) count += 1;
  return count;
}

/** Depth of block and flow nesting, kept while lexemes go by. */
class Depth {
  #flow = 0;
  readonly #columns: number[] = [];
  #column = 0;
  #opens = true;

  /** Returns the depth after this lexeme. `content`: it is a scalar's own text. */
  take(lexeme: string, content: boolean): number {
    const first = lexeme.charCodeAt(0);
    if (content || !isBlank(first)) this.#place(lexeme, content);
    const newline = lexeme.lastIndexOf("\n");
    if (newline < 0) this.#column += lexeme.length;
    else this.#column = lexeme.length - newline - 1;
    if (newline >= 0 && !content) this.#opens = true;
    return this.#flow + this.#columns.length;
  }

  #place(lexeme: string, content: boolean): void {
    if (this.#flow === 0 && this.#opens) {
      while ((this.#columns.at(-1) ?? -1) > this.#column) this.#columns.pop();
      if ((this.#columns.at(-1) ?? -1) < this.#column) this.#columns.push(this.#column);
    }
    // A block may begin behind these on the same line.
    this.#opens = !content && (lexeme === "-" || lexeme === "?" || lexeme === ":");
    if (content) return;
    if (lexeme === "[" || lexeme === "{") this.#flow += 1;
    else if (lexeme === "]" || lexeme === "}") this.#flow = Math.max(0, this.#flow - 1);
  }
}

/** Space, line end, comment, byte order mark and the lexer's own marks. */
function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09 || code === 0x23 || code < 0x20;
}

const scalarFollows = "\u001f";

/** Refuses what must not reach the parser; a generator, so that the caller can let others run in between. */
export function* scanText(source: Source, diagnostics: Diagnostics): Generator<number, ScanResult> {
  const refusedResult = { ok: false, whole: true };
  if (!checkCharacters(source, diagnostics)) return refusedResult;
  const depth = new Depth();
  let content = false;
  let offset = 0;
  let count = 0;
  let whole = false;
  for (const lexeme of new Lexer().lex(source.text) as Iterable<string>) {
    const mark: boolean = !content && lexeme === scalarFollows;
    const code = lexeme.charCodeAt(0);
    if (!content && isFeature(code, lexeme)) {
      whole = true;
      if (source.text.length > aliasTextMax) {
        diagnostics.add(
          "alias-expansion",
          source.placeAt(offset),
          `anchors, aliases and tags are read in files of up to ${aliasTextMax} characters, this one has ` +
            `${source.text.length}: write out what they stand for, or split the file`,
        );
        return refusedResult;
      }
    }
    if (!isMark(code) && depth.take(lexeme, content) > depthMax) {
      const message = `nested more than ${depthMax} deep: a rules file needs eight levels, write them flat`;
      diagnostics.add("too-deep", source.placeAt(offset), message);
      return refusedResult;
    }
    if (lexeme.length > scalarMax && !isBlank(code)) {
      const message = `a text of ${lexeme.length} characters: names and descriptions have 256 at most`;
      diagnostics.add("too-long", source.placeAt(offset), message);
      return refusedResult;
    }
    if (!isMark(code)) offset += lexeme.length;
    if (count > lexemesFree && count > offset * lexemesPerCharacter) {
      const message = `more signs than words: ${count} in the first ${offset} characters, no rules file has as many; take them out`;
      diagnostics.add("too-dense", source.placeAt(offset), message);
      return refusedResult;
    }
    content = mark;
    count += 1;
    if (count % steps === 0) yield offset;
  }
  return { ok: true, whole };
}

/** `&` anchor, `*` alias, `!` tag, `%` directive. */
function isFeature(code: number, lexeme: string): boolean {
  return lexeme.length > 1 && (code === 0x26 || code === 0x2a || code === 0x21 || code === 0x25);
}

/** The lexer's own marks, which stand for no text. */
function isMark(code: number): boolean {
  return code === 0x1f || code === 0x18 || code === 0x02;
}
