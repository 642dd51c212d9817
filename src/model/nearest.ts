/** The nearest right word, for messages about wrong ones. */

/** The number of insertions, deletions, changes and swaps of neighbours from one word to the other. */
function distance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i += 1) {
    const row = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const change = a[i - 1] === b[j - 1] ? 0 : 1;
      let best = Math.min((last[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, (last[j - 1] ?? 0) + change);
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      if (swapped) best = Math.min(best, (beforeLast[j - 2] ?? 0) + 1);
      row.push(best);
    }
    beforeLast = last;
    last = row;
  }
  return last[b.length] ?? 0;
}

/** Plain form of a word: `port_range`, `Port-Range` and `portRange` are one word to a reader. */
function plain(word: string): string {
  return word.toLowerCase().replaceAll(/[-_ ]/g, "");
}

const wordLength = 64;
const candidatesCompared = 2000;

/** The word of `words` that was probably meant, or null where none is near. */
export function nearestWord(word: string, words: Iterable<string>): string | null {
  const wanted = plain(word.slice(0, wordLength));
  const reach = Math.max(1, Math.floor(wanted.length / 3));
  let nearest: string | null = null;
  let best = reach + 1;
  let compared = 0;
  for (const candidate of words) {
    compared += 1;
    if (compared > candidatesCompared) break;
    const other = plain(candidate.slice(0, wordLength));
    if (Math.abs(other.length - wanted.length) >= best) continue;
    const found = distance(wanted, other);
    if (found < best) {
      best = found;
      nearest = candidate;
    }
  }
  return nearest;
}
