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

/**
 * Do both say the same? A later fragment of a datagram that was judged under earlier rules has its reason, but the
 * kernel, which knows rules by their numbers, no longer names the rule.
 */
export function saysTheSame(kernel: string, oracle: string): boolean {
  if (kernel === oracle) return true;
  const recalled = /^accept (rule|observed) established -$/.exec(kernel);
  return recalled !== null && oracle.startsWith(kernel.slice(0, -1));
}

export function sayOracle({ verdict, reason, session, rule }: Judgement): string {
  return `${verdict} ${reason} ${session} ${rule === null ? "-" : `${rule.group} ${rule.index}`}`;
}
