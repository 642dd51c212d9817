/** Which rows are a curve: those of one name that differ in a number. Each becomes one picture. */
import { quantileOf, type Row } from "./row.ts";
import { showFigure, showGoal, showParams } from "./table.ts";

export interface Point {
  readonly x: number;
  readonly y: number;
  /** Quartiles of the samples. */
  readonly low: number;
  readonly high: number;
  readonly label: string;
}

export interface Line {
  readonly name: string;
  readonly points: readonly Point[];
}

export interface Panel {
  readonly title: string;
  readonly lines: readonly Line[];
}

export interface Curve {
  /** Of the picture's file, without its ending. */
  readonly id: string;
  readonly title: string;
  readonly subtitle: string;
  readonly x: string;
  readonly y: string;
  readonly panels: readonly Panel[];
}

function groupBy<T>(list: readonly T[], keyOf: (one: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const one of list) groups.set(keyOf(one), [...(groups.get(keyOf(one)) ?? []), one]);
  return groups;
}

/** The parameter with the most different numbers; undefined where none has two. */
function findAxis(rows: readonly Row[]): string | undefined {
  const counts = [...new Set(rows.flatMap(({ params }) => Object.keys(params)))].map((key) => {
    const values = rows.map(({ params }) => params[key]).filter((value) => typeof value === "number");
    return { key, count: new Set(values).size };
  });
  const most = counts.reduce((best, one) => (one.count > best.count ? one : best), { key: "", count: 1 });
  return most.count > 1 ? most.key : undefined;
}

const withoutAxis = ({ params }: Row, axis: string): string =>
  showParams(Object.fromEntries(Object.entries(params).filter(([key]) => key !== axis)));

const pointOf = (x: number, y: number, samples: readonly number[], label: string): Point => ({
  x,
  y,
  low: quantileOf(samples, 0.25),
  high: quantileOf(samples, 0.75),
  label,
});

/** A line for each lane, Ringwall's with the ratio at its points; the value alone where nothing stands beside it. */
function linesOf(rows: readonly Row[], axis: string): Line[] {
  const byX = [...rows].sort((a, b) => Number(a.params[axis]) - Number(b.params[axis]));
  const names = [...new Set(byX.flatMap(({ peers }) => Object.keys(peers)))];
  const label = ({ value, unit }: Row) => (unit === "ratio" ? `${showFigure(value)}×` : "");
  if (names.length === 0) {
    const points = byX.map((row) => pointOf(Number(row.params[axis]), row.value, row.samples, label(row)));
    return [{ name: "measured", points }];
  }
  return names.map((name) => ({
    name,
    points: byX.flatMap((row) => {
      const lane = row.peers[name];
      if (lane === undefined) return [];
      const text = name === Object.keys(row.peers)[0] ? label(row) : "";
      return [pointOf(Number(row.params[axis]), lane.value, lane.samples, text)];
    }),
  }));
}

export function curvesOf(rows: readonly Row[]): Curve[] {
  return [...groupBy(rows, ({ name }) => name)].flatMap(([name, list]) => {
    const axis = findAxis(list);
    if (axis === undefined) return [];
    const curve = list.filter(({ params }) => typeof params[axis] === "number");
    const goals = [...new Set(curve.map(showGoal).filter((text) => text !== ""))];
    const units = new Set(
      curve.flatMap(({ peers, unit }) => {
        const lanes = Object.values(peers);
        return lanes.length === 0 ? [unit] : lanes.map((lane) => lane.unit);
      }),
    );
    return [
      {
        id: name
          .toLowerCase()
          .replaceAll(/[^a-z0-9]+/g, "-")
          .replaceAll(/^-|-$/g, ""),
        title: name,
        subtitle: goals.length === 0 ? "" : `goal: ${goals.join(", ")}`,
        x: axis,
        y: [...units].join(", "),
        panels: [...groupBy(curve, (row) => withoutAxis(row, axis))].map(([title, some]) => ({
          title,
          lines: linesOf(some, axis),
        })),
      },
    ];
  });
}
