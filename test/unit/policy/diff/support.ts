/** Two models compared, and questions put to both, for tests of the diff. */
import type { Address, Direction, Interface, Model } from "../../../../src/model/model.ts";
import { compileAll } from "../../../../src/policy/compile.ts";
import { type Enforceable, type FoundDifference, findDifferences } from "../../../../src/policy/diff/diff.ts";
import { type ToldDifferences, tellDifferences } from "../../../../src/policy/diff/tell.ts";
import { evaluate } from "../../../../src/policy/evaluate.ts";
import { resolve } from "../../../../src/policy/resolve.ts";
import type { Question } from "../../../../src/policy/rules.ts";
import { serviceOf } from "../../../../src/policy/service.ts";

/** Runs a generator to its end. */
export function drain<T>(steps: Generator<void, T>): T {
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
  }
}

export function enforceable(model: Model, host = "here"): Enforceable {
  const resolved = resolve(model, { host });
  return { resolved, policies: compileAll(resolved) };
}

export function find(before: Model, after: Model, now: number): readonly FoundDifference[] {
  const { found, notCompared } = drain(findDifferences(enforceable(before), enforceable(after), now));
  if (notCompared.length > 0) throw new Error("the rules of a test overlap in too many ways");
  return found;
}

export function tell(before: Model, after: Model, now = 0): ToldDifferences {
  return drain(tellDifferences(find(before, after, now), { before, after }, { now, most: 100 }));
}

export interface Put {
  readonly interface: string;
  readonly direction: Direction;
  readonly question: Question;
  readonly time: number;
}

export function differs(
  before: Model,
  after: Model,
  { interface: id, direction, question, time }: Put,
): boolean {
  const old = evaluate(before, id, direction, question, time).verdict;
  return old !== evaluate(after, id, direction, question, time).verdict;
}

/** Whether a difference that was found speaks of this packet, and whether it says what the oracle says. */
export function covers(found: readonly FoundDifference[], put: Put): readonly FoundDifference[] {
  const { question, direction, time } = put;
  const { family } = question.remote;
  const service = serviceOf({
    family,
    protocol: question.protocol,
    port: question.destinationPort ?? 0,
    icmpType: question.icmpType ?? 0,
    icmpCode: question.icmpCode ?? 0,
  });
  const within = <T extends number | bigint>(
    value: T,
    ranges: readonly { readonly first: T; readonly last: T }[] | null,
  ) => ranges === null || ranges.some(({ first, last }) => first <= value && value <= last);
  return found.filter(
    (one) =>
      one.direction === direction &&
      one.interfaces.includes(put.interface) &&
      one.boxes.some(
        (box) =>
          box.remotes.some(
            (remote) => remote.family === family && within(question.remote.bits, remote.ranges),
          ) &&
          box.services.some((line) => within(service, line.intervals)) &&
          within(question.sourcePort ?? 0, box.sourcePorts) &&
          within(question.local.bits, box.locals) &&
          within(time, box.times),
      ),
  );
}

const same = (a: Address, b: Address) => a.family === b.family && a.bits === b.bits;

/** Whether the rules ever judge such a packet: its source is its sender's, and may be a source at all. */
export function isJudged(own: Interface, { direction, question: { remote, local } }: Put): boolean {
  if (remote.family !== local.family) return false;
  if (direction === "ingress") {
    const multicast = remote.family === 4 ? remote.bits >> 28n === 0xen : remote.bits >> 120n === 0xffn;
    const loopback = remote.family === 4 ? remote.bits >> 24n === 127n : remote.bits === 1n;
    if (multicast || loopback) return false;
    return own.antiSpoofing !== true || !own.addresses.some((listed) => same(listed, remote));
  }
  if (own.antiSpoofing !== true || own.addresses.length === 0) return true;
  const made = (0xfe80n << 112n) | 0x0000_00ff_fe00_0000n;
  const linkLocal = made | (((own.mac >> 24n) ^ 0x020000n) << 40n) | (own.mac & 0xffffffn);
  return (
    own.addresses.some((listed) => same(listed, local)) ||
    (local.family === 6 && local.bits === linkLocal) ||
    own.allowedAddressPairs.some(({ prefix }) => {
      const shift = BigInt((prefix.family === 4 ? 32 : 128) - prefix.length);
      return prefix.family === local.family && prefix.bits >> shift === local.bits >> shift;
    })
  );
}
