/** A verdict as the programs trace it. */
import { Action, Direction, RuleNumber, SessionUse as SessionUseNumber, TraceStruct } from "./layout.gen.ts";
import { reasonName } from "./names.ts";
import type { PacketVerdict, SessionUse } from "./status.ts";

const sessionUses: ReadonlyMap<number, SessionUse> = new Map([
  [SessionUseNumber.SESSION_NONE, "none"],
  [SessionUseNumber.SESSION_NEW, "new"],
  [SessionUseNumber.SESSION_ESTABLISHED, "established"],
  [SessionUseNumber.SESSION_RELATED, "related"],
]);

export function decodeTrace(trace: TraceStruct): PacketVerdict {
  return {
    verdict: trace.action === Action.ACCEPT ? "accept" : "drop",
    reason: reasonName(trace.reason),
    session: sessionUses.get(trace.session) ?? "none",
    rule: trace.rule === RuleNumber.RULE_NONE ? null : trace.rule,
    ruleSide: trace.ruleSide === Direction.EGRESS ? "egress" : "ingress",
    version: trace.version,
  };
}

/** The verdicts of a run: null where nothing was judged, which `before` (verdicts until then) tells. */
export function decodeTraces(traces: Uint8Array, before: number): (PacketVerdict | null)[] {
  const verdicts: (PacketVerdict | null)[] = [];
  let count = before;
  for (let offset = 0; offset < traces.length; offset += TraceStruct.SIZE) {
    const trace = TraceStruct.decode(traces, offset);
    verdicts.push(trace.count === count ? null : decodeTrace(trace));
    count = trace.count;
  }
  return verdicts;
}
