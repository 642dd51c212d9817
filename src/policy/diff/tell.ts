/** Differences of verdicts in words, each with a packet on which the oracle says the same. */
import type { Direction, Model } from "../../model/model.ts";
import { evaluate, type Verdict } from "../evaluate.ts";
import type { Box } from "./boxes.ts";
import type { FoundDifference } from "./diff.ts";
import { type ExamplePacket, pickExample } from "./example.ts";
import { describeBox, type Extent } from "./texts.ts";

/** Packets that are accepted before and dropped after, or the other way. */
export interface VerdictDifference {
  /** Ids: all that can meet such packets. */
  readonly interfaces: readonly string[];
  readonly direction: Direction;
  /** Of the example, by the oracle. */
  readonly before: Verdict;
  readonly after: Verdict;
  /** Which packets: together exactly these. */
  readonly packets: readonly Extent[];
  /** Extents that are left out of `packets`. */
  readonly more: number;
  readonly example: ExamplePacket;
}

/** Extents of one difference that are told. */
const extentsShown = 16;

export interface ToldDifferences {
  readonly differences: readonly VerdictDifference[];
  /** Differences beyond those that are told. */
  readonly more: number;
}

/**
 * Tells differences, joining those that say the same of other interfaces; at most `most` of them.
 * @throws Error where the oracle does not confirm one: a fault of Ringwall
 */
export function* tellDifferences(
  found: readonly FoundDifference[],
  models: { readonly before: Model; readonly after: Model },
  { now, most }: { readonly now: number; readonly most: number },
): Generator<void, ToldDifferences> {
  const told = new Map<string, VerdictDifference>();
  for (const one of found) {
    const difference = tellOne(one, models, Math.floor(now));
    yield;
    const { interfaces, example: _, ...rest } = difference;
    const key = JSON.stringify(rest);
    const known = told.get(key);
    const all = [...(known?.interfaces ?? []), ...interfaces].sort();
    told.set(key, { ...(known ?? difference), interfaces: all });
  }
  const all = [...told.values()].sort(compareDifferences);
  return { differences: all.slice(0, most), more: Math.max(0, all.length - most) };
}

/** What is dropped from now on comes first, then what concerns the most interfaces. */
function compareDifferences(a: VerdictDifference, b: VerdictDifference): number {
  const rank = ({ after }: VerdictDifference) => (after.verdict === "drop" ? 0 : 1);
  return rank(a) - rank(b) || b.interfaces.length - a.interfaces.length;
}

function tellOne(
  { boxes, interfaces, direction, before: old, after: fresh }: FoundDifference,
  models: { readonly before: Model; readonly after: Model },
  now: number,
): VerdictDifference {
  const { box, own } = chooseBox(boxes, interfaces, models.after);
  const { packet, question, time } = pickExample(box, own, direction, now);
  const before = evaluate(models.before, own.id, direction, question, time);
  const after = evaluate(models.after, own.id, direction, question, time);
  if (before.verdict !== old.verdict || after.verdict !== fresh.verdict) {
    throw new Error(
      `the comparison of rules says ${old.verdict}, then ${fresh.verdict} of ${JSON.stringify(packet)}; the rules say ` +
        `${before.verdict}, then ${after.verdict}. This is a fault of Ringwall; please report it with both rule sets`,
    );
  }
  const packets = boxes.slice(0, extentsShown).map((one) => describeBox(one, now));
  const more = Math.max(0, boxes.length - extentsShown);
  return { interfaces, direction, before, after, packets, more, example: packet };
}

function chooseBox(boxes: readonly Box[], interfaces: readonly string[], model: Model) {
  const [box] = boxes;
  const own = model.interfaces.get(interfaces[0] ?? "");
  if (box === undefined || own === undefined) throw new Error("a difference without packets or interfaces");
  return { box, own };
}
