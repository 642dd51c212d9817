/** The nearest right word, for messages about wrong ones. */

const wordLength = 64;
/** Cells of all tables of one search: some hundreds of words, also where somebody chose them to be alike. */
const cellsMax = 20_000;
/** More slips than this are another word. */
const slipsMax = 3;

/** Compares words with one; its three rows are used again and again. */
class Comparison {
  readonly #word: string;
  #rows = [0, 1, 2].map(() => new Uint8Array(wordLength + 1));
  /** Asked so far. */
  cells = 0;

  constructor(word: string) {
    this.#word = word;
  }

  /**
   * The number of insertions, deletions, changes and swaps of neighbours from the word to another, where it is less
   * than `bound`; else some number from `bound` on. Only cells near the diagonal are asked (Ukkonen 1985).
   */
  distance(other: string, bound: number): number {
    let [beforeLast, last, row] = this.#rows as [Uint8Array, Uint8Array, Uint8Array];
    for (let j = 0; j <= other.length; j += 1) last[j] = Math.min(j, bound);
    let leastBefore = 0;
    for (let i = 1; i <= this.#word.length; i += 1) {
      const least = this.#fillRow(row.fill(bound), last, beforeLast, i, other, bound);
      // A swap reaches back two rows.
      if (least >= bound && leastBefore >= bound) return bound;
      leastBefore = least;
      [beforeLast, last, row] = [last, row, beforeLast];
    }
    return last[other.length] ?? bound;
  }

  #fillRow(
    row: Uint8Array,
    last: Uint8Array,
    beforeLast: Uint8Array,
    i: number,
    other: string,
    bound: number,
  ): number {
    const word = this.#word;
    row[0] = Math.min(i, bound);
    let least = row[0];
    const to = Math.min(other.length, i + bound);
    for (let j = Math.max(1, i - bound); j <= to; j += 1) {
      this.cells += 1;
      const change = word[i - 1] === other[j - 1] ? 0 : 1;
      let best = Math.min((last[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, (last[j - 1] ?? 0) + change, bound);
      const swapped = i > 1 && j > 1 && word[i - 1] === other[j - 2] && word[i - 2] === other[j - 1];
      if (swapped) best = Math.min(best, (beforeLast[j - 2] ?? 0) + 1);
      row[j] = best;
      least = Math.min(least, best);
    }
    return least;
  }
}

/** Plain form of a word: `port_range`, `Port-Range` and `portRange` are one word to a reader. */
function plain(word: string): string {
  return word.toLowerCase().replaceAll(/[-_ ]/g, "");
}

/** The word of `words` that was probably meant, or null where none is near. */
export function nearestWord(word: string, words: Iterable<string>): string | null {
  const wanted = plain(word.slice(0, wordLength));
  const reach = Math.min(slipsMax, Math.max(1, Math.floor(wanted.length / 3)));
  let nearest: string | null = null;
  let best = reach + 1;
  const comparison = new Comparison(wanted);
  for (const candidate of words) {
    if (comparison.cells > cellsMax) break;
    const other = plain(candidate.slice(0, wordLength));
    if (Math.abs(other.length - wanted.length) >= best) continue;
    const found = comparison.distance(other, best);
    if (found < best) {
      best = found;
      nearest = candidate;
    }
  }
  return nearest;
}
