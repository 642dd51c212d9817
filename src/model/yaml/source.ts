/** A file's text with its lines: from an offset to a place. */
import type { Place } from "../model.ts";

/** One file as it is handed to the parsers. `path` stands in messages. */
export interface SourceText {
  readonly path: string;
  readonly text: string;
}

export class Source {
  readonly path: string;
  readonly text: string;
  #lineStarts: Uint32Array | null = null;

  constructor({ path, text }: SourceText) {
    this.path = path;
    // A byte order mark is no part of the text: columns of the first line begin behind it.
    this.text = text.startsWith("\uFEFF") ? text.slice(1) : text;
  }

  /** 1-based line and column; columns count UTF-16 units, as editors do. */
  placeAt(offset: number): Place {
    const starts = this.#starts();
    let low = 0;
    let high = starts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((starts[middle] ?? 0) <= offset) low = middle;
      else high = middle - 1;
    }
    return { file: this.path, line: low + 1, column: offset - (starts[low] ?? 0) + 1 };
  }

  /** The file as a whole. */
  get place(): Place {
    return { file: this.path, line: 1, column: 1 };
  }

  #starts(): Uint32Array {
    if (this.#lineStarts === null) {
      const starts = [0];
      for (let at = this.text.indexOf("\n"); at >= 0; at = this.text.indexOf("\n", at + 1))
        starts.push(at + 1);
      this.#lineStarts = Uint32Array.from(starts);
    }
    return this.#lineStarts;
  }
}
