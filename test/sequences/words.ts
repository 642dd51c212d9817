/** The words of a line, taken one after the other. */

export interface Words {
  readonly left: number;
  peek(): string | undefined;
  /** The next word; throws a SyntaxError that says what was expected. */
  next(what: string): string;
  /** Takes the next word where it is this one. */
  take(word: string): boolean;
  keyword(word: string, why: string): void;
  oneOf<T extends string>(names: readonly T[]): T;
  number(what: string, most: number): number;
  decimal(what: string): number;
  /** All that is left, as one text. */
  rest(): string;
  /** Throws where words are left. */
  end(): void;
}

class Line implements Words {
  readonly #words: readonly string[];
  #at = 0;

  constructor(words: readonly string[]) {
    this.#words = words;
  }

  get left(): number {
    return this.#words.length - this.#at;
  }

  peek(): string | undefined {
    return this.#words[this.#at];
  }

  next(what: string): string {
    const word = this.#words[this.#at];
    if (word === undefined) throw new SyntaxError(`the line ends where ${what} is expected`);
    this.#at++;
    return word;
  }

  take(word: string): boolean {
    if (this.peek() !== word) return false;
    this.#at++;
    return true;
  }

  keyword(word: string, why: string): void {
    if (!this.take(word)) throw new SyntaxError(`"${this.peek() ?? ""}" stands where "${word}" does: ${why}`);
  }

  oneOf<T extends string>(names: readonly T[]): T {
    const word = this.next(`one of ${names.join(", ")}`);
    const name = names.find((one) => one === word);
    if (name === undefined) throw new SyntaxError(`"${word}" is none of ${names.join(", ")}`);
    return name;
  }

  number(what: string, most: number): number {
    const word = this.next(what);
    if (!/^\d+$/.test(word) || Number(word) > most) {
      throw new SyntaxError(`"${word}" is no number of ${what} from 0 to ${most}`);
    }
    return Number(word);
  }

  decimal(what: string): number {
    const word = this.next(what);
    if (!/^\d+(\.\d+)?$/.test(word)) throw new SyntaxError(`"${word}" is no number of ${what}: write 29.875`);
    return Number(word);
  }

  rest(): string {
    const text = this.#words.slice(this.#at).join(" ");
    this.#at = this.#words.length;
    return text;
  }

  end(): void {
    if (this.left > 0) throw new SyntaxError(`nothing is expected at "${this.rest()}"`);
  }
}

/** Commas are as good as blanks; from `#` on it is a comment. */
export function wordsOf(line: string): Words {
  const text = line.replace(/#.*$/, "").trim();
  return new Line(text === "" ? [] : text.split(/,?\s+/));
}
