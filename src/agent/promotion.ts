/** A change that lets groups, or an interface's anti-spoofing, enforce what they only observed until now. */
import type { Model } from "../model/model.ts";
import { Failure } from "./failure.ts";
import { isDropped } from "./observed-judge.ts";
import type { ObservedHit, UnlistedHits } from "./observed-reply.ts";

/** What stands against a promotion. */
export interface Objections {
  /** Groups, and interfaces whose anti-spoofing observed. */
  readonly promoted: readonly string[];
  /** Packets that passed within the window, and would be dropped. */
  readonly hits: readonly ObservedHit[];
  readonly unlisted: readonly UnlistedHits[];
}

/** Groups and interfaces that observe before and enforce after. */
export function findPromoted(before: Model, after: Model): readonly string[] {
  const groups = [...after.groups.values()].filter(
    ({ id, mode }) => mode === "enforce" && before.groups.get(id)?.mode === "observe",
  );
  const interfaces = [...after.interfaces.values()].filter(
    ({ id, antiSpoofing }) => antiSpoofing === true && before.interfaces.get(id)?.antiSpoofing === "observe",
  );
  return [...groups, ...interfaces].map(({ id }) => id);
}

/** Yields after each hit. `now`: ms since 1970. */
export function* findObjections(
  before: Model,
  after: Model,
  seen: { readonly hits: readonly ObservedHit[]; readonly unlisted: readonly UnlistedHits[] },
  now: number,
): Generator<void, Objections> {
  const promoted = new Set(findPromoted(before, after));
  const isTouched = (id: string) =>
    promoted.has(id) || (after.interfaces.get(id)?.groups.some((group) => promoted.has(group)) ?? false);
  const hits: ObservedHit[] = [];
  for (const hit of seen.hits) {
    if (isTouched(hit.interface) && isDropped(after, hit, now)) hits.push(hit);
    yield;
  }
  const unlisted = seen.unlisted.filter(({ interface: id }) => isTouched(id));
  return { promoted: [...promoted], hits, unlisted };
}

/** Hits that a refusal names one by one. */
const shown = 5;

/** `10.0.0.7 to eni-1 tcp 443: no rule, 12 times, last at …`. */
export function describeHit(hit: ObservedHit): string {
  const service = [
    hit.protocol,
    ...(hit.port === null ? [] : [hit.port]),
    ...(hit.icmpType === null ? [] : [`type ${hit.icmpType}`]),
  ].join(" ");
  const ends =
    hit.direction === "egress"
      ? `${hit.interface} to ${hit.remote ?? "-"}`
      : `${hit.remote ?? "-"} to ${hit.interface}`;
  const times = hit.times === 1 ? "once" : `${hit.times} times`;
  return `${ends} ${service}: ${describeCause(hit)}, ${times}, last at ${hit.last}`;
}

/** What would have dropped it. */
export function describeCause({ observer, rule, direction }: ObservedHit): string {
  if (observer === "anti-spoofing") return "anti-spoofing";
  if (rule !== null) return `${rule.group} ${rule.id ?? `rule ${rule.index}`}`;
  return direction === "egress" ? "the default (default-drop)" : "no rule (no-rule)";
}

function describeUnlisted({ interface: id, packets, last }: UnlistedHits): string {
  return `${id}: ${packets} more that were counted but not listed, last at ${last}`;
}

/** What stands against it, one a line; empty where nothing does. */
export function describeObjections({ hits, unlisted }: Objections): readonly string[] {
  const rest = hits.length - shown;
  return [
    ...hits.slice(0, shown).map(describeHit),
    ...(rest > 0 ? [`and ${rest} more: \`ringwall observed\` lists them`] : []),
    ...unlisted.map(describeUnlisted),
  ];
}

/** @throws Failure `refused`, with what would be dropped */
export function refusePromotion(objections: Objections, windowSeconds: number): void {
  const lines = describeObjections(objections);
  if (lines.length === 0) return;
  const hours = windowSeconds % 3600 === 0 ? `${windowSeconds / 3600} h` : `${windowSeconds} s`;
  throw new Failure(
    "refused",
    [
      `${objections.promoted.join(", ")} stays in observe: within the last ${hours} this passed and would be dropped:`,
      ...lines.map((line) => `  ${line}`),
      "Write rules that accept what shall pass. --even-so enforces all the same, --window SPAN looks back less far.",
    ].join("\n"),
  );
}
