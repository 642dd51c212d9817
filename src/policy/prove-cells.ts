/** Proof of the sorted dimensions: service, source port, expiry. */
import type { Rule } from "../model/model.ts";
import { createBitmap } from "./bitmap.ts";
import { serviceOtherFamily } from "./layout.ts";
import { fail, type ProofContext, type ProofFailure, type ProofPart, proveBits } from "./prove-bits.ts";
import type { Cell } from "./types.ts";

/** Where each rule matches: from first[n] to last[n], both in; nowhere when last is before first. */
export interface Spans {
  readonly first: Float64Array;
  readonly last: Float64Array;
  /** The last number of the dimension. */
  readonly end: number;
}

/**
 * Every cell is compared with every rule: none may begin or end inside, and the bits are those that match. This
 * is the definition itself, not the sweep that made the cells: a mistake there is not repeated here.
 */
export function proveCells(
  context: ProofContext,
  part: ProofPart,
  cells: readonly Cell[],
  spans: Spans,
): ProofFailure | null {
  const expected = createBitmap(context.stride);
  let before = -1;
  for (const [index, { first, bits }] of cells.entries()) {
    if (index === 0 ? first !== 0 : first <= before) {
      return fail(
        context,
        part,
        null,
        `cell ${index} begins at ${namePlace(part, first)}, behind ${before < 0 ? "nothing" : namePlace(part, before)}`,
      );
    }
    before = first;
    const last = (cells[index + 1]?.first ?? spans.end + 1) - 1;
    const straddler = matchCell(spans, first, last, expected);
    if (straddler !== null) {
      return fail(
        context,
        part,
        straddler,
        `the cell from ${namePlace(part, first)} matches rule ${straddler} only in part`,
      );
    }
    const failure = proveBits(context, part, bits, expected, () => `the cell from ${namePlace(part, first)}`);
    if (failure !== null) {
      return failure;
    }
  }
  return cells.length > 0 && before <= spans.end
    ? null
    : fail(context, part, null, `the ${cells.length} cells do not divide 0 to ${spans.end}`);
}

/** A number of the dimension, for people. */
function namePlace(part: ProofPart, number: number): string {
  if (part === "expires") {
    return `second ${number} of UTC`;
  }
  if (part !== "service") {
    return `port ${number}`;
  }
  const protocol = (number >>> 16) & 0xff;
  const rest = number & 0xffff;
  if (number >= serviceOtherFamily) {
    return `protocol ${protocol} of the other family`;
  }
  const isIcmp = protocol === 1 || protocol === 58;
  const behind = isIcmp ? `type ${rest >>> 8}, code ${rest & 0xff}` : `port ${rest}`;
  return `protocol ${protocol}, ${behind}`;
}

/** Fills `expected` with the rules that match the whole cell. Returns a rule that matches only a part of it. */
function matchCell(spans: Spans, first: number, last: number, expected: Uint32Array): number | null {
  const rules = spans.first.length;
  for (let half = 0, rule = 0; half < expected.length; half++) {
    let bits = 0;
    for (let bit = 0; bit < 32 && rule < rules; bit++, rule++) {
      const from = spans.first[rule] ?? 0;
      const to = spans.last[rule] ?? 0;
      if (from > last || to < first || to < from) {
        continue;
      }
      if (from > first || to < last) {
        return rule;
      }
      bits |= 1 << bit;
    }
    expected[half] = bits;
  }
  return null;
}

/** Service numbers, from layout.h's words on enum service: protocol in bits 16 to 23, other family in bit 24. */
export function spanServices(rules: readonly Rule[]): Spans {
  return createSpans(rules, 0x1ff_0000, (rule) => {
    if (rule.protocolNumber === null) {
      return [0, 0x1ff_0000];
    }
    const low = rule.ports?.first ?? 256 * (rule.icmpType ?? 0) + (rule.icmpCode ?? 0);
    const high = rule.ports?.last ?? 256 * (rule.icmpType ?? 255) + (rule.icmpCode ?? 255);
    return [65536 * rule.protocolNumber + low, 65536 * rule.protocolNumber + high];
  });
}

export function spanSourcePorts(rules: readonly Rule[]): Spans {
  return createSpans(rules, 0xffff, ({ sourcePorts }) =>
    sourcePorts === null ? [0, 0xffff] : [sourcePorts.first, sourcePorts.last],
  );
}

/** A rule matches in the seconds before it expires. */
export function spanSeconds(rules: readonly Rule[]): Spans {
  return createSpans(rules, 0xffff_ffff, ({ expires }) =>
    expires === null ? [0, 0xffff_ffff] : [0, Math.min(Math.ceil(expires) - 1, 0xffff_ffff)],
  );
}

function createSpans(rules: readonly Rule[], end: number, span: (rule: Rule) => [number, number]): Spans {
  const spans = { first: new Float64Array(rules.length), last: new Float64Array(rules.length), end };
  for (const [index, rule] of rules.entries()) {
    const [first, last] = span(rule);
    spans.first[index] = first;
    spans.last[index] = last;
  }
  return spans;
}
