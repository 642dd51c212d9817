/** One line of the bench's table and of build/bench/results.json: a goal, held against what was measured. */

/** "at most": less is better; "at least": more is. */
export interface Goal {
  readonly sense: "at most" | "at least";
  readonly value: number;
}

/** What one lane measured, in its own unit; a ratio is made of two of them. */
export interface Lane {
  readonly value: number;
  readonly unit: string;
  readonly samples: readonly number[];
  readonly spread: number;
}

export interface Row {
  readonly name: string;
  readonly params: Readonly<Record<string, string | number>>;
  /** Median of the samples: what the goal speaks of, a ratio wherever that can be. */
  readonly value: number;
  readonly unit: string;
  /** Null: a figure that nothing was promised of. */
  readonly goal: number | null;
  readonly sense: Goal["sense"] | null;
  readonly met: boolean | null;
  readonly samples: readonly number[];
  /** Half of the distance between the quartiles, as a share of the median. */
  readonly spread: number;
  /** What stood side by side, Ringwall among them, in one run. */
  readonly peers: Readonly<Record<string, Lane>>;
}

const sorted = (samples: readonly number[]): number[] => [...samples].sort((a, b) => a - b);

/** The value that a share of the samples is not above, between two of them in proportion. NaN for none. */
export function quantileOf(samples: readonly number[], share: number): number {
  const list = sorted(samples);
  const place = (list.length - 1) * share;
  const [below, above] = [list[Math.floor(place)] ?? Number.NaN, list[Math.ceil(place)] ?? Number.NaN];
  return below + (above - below) * (place - Math.floor(place));
}

export const medianOf = (samples: readonly number[]): number => quantileOf(samples, 0.5);

export function spreadOf(samples: readonly number[]): number {
  const value = medianOf(samples);
  return value === 0 ? 0 : (quantileOf(samples, 0.75) - quantileOf(samples, 0.25)) / 2 / Math.abs(value);
}

export function makeLane(samples: readonly number[], unit: string): Lane {
  return { value: medianOf(samples), unit, samples, spread: spreadOf(samples) };
}

/** What runs that disagree by more may not excuse. */
const spreadMax = 0.1;

/** A median misses its goal when it is beyond it by more than its own spread, of which a tenth counts at most. */
export function isMet(value: number, spread: number, goal: Goal): boolean {
  const slack = Math.abs(value) * Math.min(spread, spreadMax);
  return goal.sense === "at most" ? value - slack <= goal.value : value + slack >= goal.value;
}

export interface RowParts {
  readonly unit?: string;
  readonly goal?: Goal | null;
  /** Of each lane: its samples and their unit. */
  readonly peers?: Readonly<Record<string, Lane>>;
}

/** Throws where there is nothing to take a median of: a row without a figure is worse than none. */
export function makeRow(
  name: string,
  params: Row["params"],
  samples: readonly number[],
  { unit = "ratio", goal = null, peers = {} }: RowParts,
): Row {
  const what = `${name} ${Object.values(params).join(" ")}`;
  if (samples.length === 0 || !samples.every(Number.isFinite))
    throw new Error(`${what}: ${samples.join(", ")}`);
  const [value, spread] = [medianOf(samples), spreadOf(samples)];
  const [sense, met] = [goal?.sense ?? null, goal === null ? null : isMet(value, spread, goal)];
  return { name, params, value, unit, goal: goal?.value ?? null, sense, met, samples, spread, peers };
}

/** Of each round the one lane by the other. */
export function ratiosOf(above: readonly number[], below: readonly number[]): number[] {
  return above.map((value, index) => value / (below[index] ?? Number.NaN));
}
