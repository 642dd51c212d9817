/** One line of the bench's table and of build/bench/results.json. */

export interface Row {
  readonly name: string;
  readonly params: Readonly<Record<string, string | number>>;
  /** Median of the samples. */
  readonly value: number;
  readonly unit: "ratio" | "ns";
  readonly goal: number | null;
  readonly met: boolean | null;
  readonly samples: readonly number[];
  /** (largest - smallest) / median */
  readonly spread: number;
}

export function medianOf(samples: readonly number[]): number {
  return [...samples].sort((a, b) => a - b)[samples.length >> 1] ?? Number.NaN;
}

export function makeRow(
  name: string,
  params: Row["params"],
  samples: readonly number[],
  { unit, goal }: { readonly unit: Row["unit"]; readonly goal: number | null },
): Row {
  const value = medianOf(samples);
  const spread = (Math.max(...samples) - Math.min(...samples)) / value;
  return { name, params, value, unit, goal, met: goal === null ? null : value <= goal, samples, spread };
}
