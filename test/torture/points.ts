/** Which points of a run are tried: all of them, or a sample that the seed draws. */
import { Random } from "../support/random.ts";
import { type Call, describePoint, errors, type Place, type Point } from "./tracer.ts";

const isWhole = process.env.RINGWALL_TORTURE === "all";
/** Of a whole test, ms. */
export const patience = isWhole ? 4 * 3_600_000 : 3_600_000;
const seed = Number(process.env.RINGWALL_SEED ?? 1);
const sample = Number(process.env.RINGWALL_POINTS ?? 3);
/** "3/20": the third of twenty parts of them, for a run in pieces. */
const [part = 1, parts = 1] = (process.env.RINGWALL_PART ?? "1/1").split("/").map(Number);
/** "bpf 6 EINVAL": that alone, as a report names it, so often as a sample has points. */
const named = process.env.RINGWALL_POINT;

/**
 * Points of a run that made calls at these places. All: each call with a kill and with one errno, another one for each,
 * so that every errno meets every kind. A sample: calls of any kind, each second one a kill; the first is one of bpf.
 */
export function choosePoints(places: ReadonlyMap<Call, readonly Place[]>): {
  readonly points: readonly Point[];
  readonly said: string;
} {
  const random = new Random(seed);
  const shift = random.below(errors.length);
  const all = [...places].flatMap(([call, list]) =>
    list.flatMap((place, index): Point[] => [
      { call, ...place, fault: "SIGKILL" },
      { call, ...place, fault: errors[(index + shift) % errors.length] ?? "EIO" },
    ]),
  );
  const made = [...places].map(([call, { length }]) => `${length} ${call}`).join(", ");
  if (named !== undefined) {
    const point = all.find((each) => describePoint(each) === named);
    const points = point === undefined ? [] : Array<Point>(sample).fill(point);
    return { points, said: `${points.length} times "${named}" of ${made}; seed ${seed}` };
  }
  if (isWhole) {
    const points = all.filter((_, index) => index % parts === part - 1);
    return { points, said: `${points.length} of all ${all.length} points of ${made}; seed ${seed}` };
  }
  const points = Array.from({ length: sample }, (_, turn): Point => {
    const call = turn === 0 ? "bpf" : random.pick([...places.keys()]);
    const place = random.pick(places.get(call) ?? []);
    return { call, ...place, fault: turn % 2 === 1 ? "SIGKILL" : random.pick(errors) };
  });
  return { points, said: `${points.length} of ${all.length} points of ${made}; seed ${seed}` };
}
