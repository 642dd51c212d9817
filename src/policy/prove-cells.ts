/** Proof of the sorted dimensions: service, source port, expiry. */
import type { Rule } from "../model/model.ts";
import { type Bitmap, createBitmap, setBit, strideOf } from "./bitmap.ts";
import { serviceOtherFamily } from "./layout.ts";
import { fail, type ProofContext, type ProofFailure, type ProofPart, proveBits } from "./prove-bits.ts";
import type { Cell } from "./types.ts";

/** Where each rule matches. */
export interface Spans {
  /** The last number of the dimension. */
  readonly end: number;
  /** Rules that match from 0 to the end: of most dimensions nearly all. */
  readonly everywhere: Bitmap;
  /** The others that match anywhere: their numbers, and from where to where, both in. */
  readonly rules: Uint32Array;
  readonly first: Float64Array;
  readonly last: Float64Array;
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
function matchCell(
  { everywhere, rules, first: from, last: to }: Spans,
  first: number,
  last: number,
  expected: Bitmap,
): number | null {
  expected.set(everywhere);
  for (let index = 0; index < rules.length; index++) {
    const begin = from[index] ?? 0;
    const end = to[index] ?? 0;
    if (begin > last || end < first) {
      continue;
    }
    const rule = rules[index] ?? 0;
    if (begin > first || end < last) {
      return rule;
    }
    setBit(expected, rule);
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

function createSpans(all: readonly Rule[], end: number, span: (rule: Rule) => [number, number]): Spans {
  const everywhere = createBitmap(strideOf(all.length));
  const rules = new Uint32Array(all.length);
  const first = new Float64Array(all.length);
  const last = new Float64Array(all.length);
  let count = 0;
  for (const [number, rule] of all.entries()) {
    const [from, to] = span(rule);
    if (from <= 0 && to >= end) {
      setBit(everywhere, number);
    } else if (from <= to) {
      rules[count] = number;
      first[count] = from;
      last[count] = to;
      count++;
    }
  }
  const used = <T extends { subarray(begin: number, end: number): T }>(array: T): T =>
    array.subarray(0, count);
  return { end, everywhere, rules: used(rules), first: used(first), last: used(last) };
}
