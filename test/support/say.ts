/** What the kernel's program and the oracle say of a packet, in the same words, so that they can be compared. */
import type { PacketVerdict } from "../../src/kernel/status.ts";
import type { Judgement } from "../../src/policy/oracle/judgement.ts";
import type { Resolved } from "../../src/policy/types.ts";

/** "accept rule new sg-t 0": verdict, reason, session, and the rule's group and place, or "-". */
export function sayKernel(verdict: PacketVerdict, resolved: Resolved, id: string): string {
  const key = resolved.interfaces.find(({ interface: own }) => own.id === id)?.policy ?? 0n;
  const ordered =
    verdict.rule === null
      ? undefined
      : resolved.policies.get(key)?.sides[verdict.ruleSide].rules[verdict.rule];
  const rule = ordered === undefined ? "-" : `${ordered.group} ${ordered.rule.index}`;
  return `${verdict.verdict} ${verdict.reason} ${verdict.session} ${rule}`;
}

export function sayOracle({ verdict, reason, session, rule }: Judgement): string {
  return `${verdict} ${reason} ${session} ${rule === null ? "-" : `${rule.group} ${rule.index}`}`;
}
