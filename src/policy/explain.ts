/** The verdict for one packet, at every protected end, and why. */
import type { Direction, Model, Policy } from "../model/model.ts";
import { evaluate, nameRule, outranks, type RuleName, type Verdict } from "./evaluate.ts";
import { findNear, type Near } from "./near.ts";
import { findPacket, type PacketMeant, type PacketQuestion, type PacketSide } from "./question.ts";
import { groupsOf, mismatches, type RuleField, rulesOf } from "./rules.ts";

/** A rule that was asked, and the fields by which it does not match; none: it decides. */
export interface ConsideredRule extends RuleName {
  readonly differs: readonly RuleField[];
}

export interface ExplainedSide extends Verdict {
  readonly interface: string;
  readonly direction: Direction;
  /** Where asked for: rules in the order in which they decide, up to the one that does. */
  readonly considered?: readonly ConsideredRule[];
}

/** What `explain -o json` prints, without the kernel's part. */
export interface Explanation {
  readonly verdict: Policy;
  /** The protected ends, egress first. */
  readonly sides: readonly ExplainedSide[];
  /** After `no-rule` or `default-drop`: what came nearest at the end that dropped. */
  readonly near?: Near;
}

export interface ExplainOptions {
  /** Seconds of UTC since 1970: rules expire. */
  readonly now: number;
  /** List the rules that were considered. */
  readonly considered?: boolean;
  /** What an end decides before it asks any rule (anti-spoofing, what always works, …); null: it asks. */
  readonly before?: (side: PacketSide, packet: PacketMeant) => Verdict | null;
}

function listConsidered(model: Model, side: PacketSide, now: number): readonly ConsideredRule[] {
  const asked = { model, judged: side.interface, question: side.question, now };
  const ordered = [...rulesOf(model, side.interface, side.direction, groupsOf(model, side.interface))].sort(
    (a, b) => (outranks(a, b) ? -1 : 1),
  );
  const considered: ConsideredRule[] = [];
  for (const rule of ordered) {
    const differs = mismatches(rule.rule, asked);
    considered.push({ ...nameRule(rule), differs });
    if (differs.length === 0) break;
  }
  return considered;
}

function explainSide(
  model: Model,
  side: PacketSide,
  packet: PacketMeant,
  options: ExplainOptions,
): ExplainedSide {
  const own = { interface: side.interface.id, direction: side.direction };
  const before = options.before?.(side, packet) ?? null;
  if (before !== null) {
    const { verdict, reason, rule } = before;
    return { ...own, verdict, reason, rule, ...(options.considered === true ? { considered: [] } : {}) };
  }
  const verdict = evaluate(model, side.interface.id, side.direction, side.question, options.now);
  const explained = { ...own, ...verdict };
  return options.considered === true
    ? { ...explained, considered: listConsidered(model, side, options.now) }
    : explained;
}

function isDefaultDrop(side: ExplainedSide): boolean {
  return side.verdict === "drop" && (side.reason === "no-rule" || side.reason === "default-drop");
}

/**
 * Judges one packet at every protected end, of whatever host, as it opens a session.
 * Throws a QuestionError for ends that are unknown or ambiguous, and for a packet that cannot be.
 */
export function explain(model: Model, question: PacketQuestion, options: ExplainOptions): Explanation {
  const packet = findPacket(model, question);
  const sides = packet.sides.map((side) => explainSide(model, side, packet, options));
  const dropped = sides.find((side) => side.verdict === "drop");
  const verdict = dropped === undefined ? "accept" : "drop";
  if (dropped === undefined || !isDefaultDrop(dropped)) return { verdict, sides };
  const side = packet.sides[sides.indexOf(dropped)];
  if (side === undefined) return { verdict, sides };
  return { verdict, sides, near: findNear(model, side, options.now, question.sourcePort !== undefined) };
}
