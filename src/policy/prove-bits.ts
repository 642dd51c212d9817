/** What a proof says when it fails, and the comparison that all of its parts share. */
import type { Direction } from "../model/model.ts";
import type { Bitmap } from "./bitmap.ts";
import type { Bits } from "./types.ts";

export type ProofPart = "fixed" | "service" | "source-port" | "expires" | "remote" | "local" | "groups";

/** The first thing found in which compiled data does not say what its rules say. */
export interface ProofFailure {
  readonly direction: Direction;
  readonly part: ProofPart;
  /** Number of the rule that is wrong there; null where it is no single rule. */
  readonly rule: number | null;
  /** For people: what was found where, and what the rules ask for. */
  readonly message: string;
}

/** Where a proof is, and the words that it reads. */
export interface ProofContext {
  readonly direction: Direction;
  /** Words of one bitmap of this side. */
  readonly stride: number;
  /** The policy's words as halves. */
  readonly halves: Bitmap;
}

export function fail(
  { direction }: ProofContext,
  part: ProofPart,
  rule: number | null,
  message: string,
): ProofFailure {
  return { direction, part, rule, message: `${direction} ${part}: ${message}` };
}

/** Summaries of so many words are exact as a number. */
const exactBits = 53;

/**
 * Null when `bits` stand for exactly the `expected` rules.
 * @param where the place in the dimension, for the message
 */
export function proveBits(
  context: ProofContext,
  part: ProofPart,
  bits: Bits,
  expected: Bitmap,
  where: () => string,
): ProofFailure | null {
  const { halves, stride } = context;
  // Of most sides the summary is a number that is exact, and no big integer has to be made of it.
  const summary = Number(bits.summary);
  const isExact = stride <= exactBits;
  if (isExact ? summary >= 2 ** stride : bits.summary >> BigInt(stride) !== 0n) {
    return fail(context, part, null, `${where()} has a summary that names words beyond the last rule`);
  }
  const low = isExact ? summary % 2 ** 32 : Number(bits.summary & 0xffffffffn);
  const high = isExact ? Math.floor(summary / 2 ** 32) : Number(bits.summary >> 32n);
  for (let word = 0; word < stride; word++) {
    const isNamed = (((word < 32 ? low : high) >>> (word & 31)) & 1) === 1;
    const place = bits.base + word;
    if (isNamed && (place < 0 || place >= halves.length / 2)) {
      return fail(context, part, null, `${where()} reads words beyond the policy's own`);
    }
    const lower = isNamed ? (halves[2 * place] ?? 0) : 0;
    const upper = isNamed ? (halves[2 * place + 1] ?? 0) : 0;
    if (isNamed && lower === 0 && upper === 0) {
      return fail(context, part, null, `${where()} has a summary that names word ${word}, which is zero`);
    }
    const wrongLower = lower ^ (expected[2 * word] ?? 0);
    const wrongUpper = upper ^ (expected[2 * word + 1] ?? 0);
    if (wrongLower !== 0 || wrongUpper !== 0) {
      const bit = wrongLower !== 0 ? lowestBit(wrongLower) : 32 + lowestBit(wrongUpper);
      return failRule(context, part, 64 * word + bit, expected, where());
    }
  }
  return null;
}

function failRule(
  context: ProofContext,
  part: ProofPart,
  rule: number,
  expected: Bitmap,
  where: string,
): ProofFailure {
  const isExpected = (((expected[rule >>> 5] ?? 0) >>> (rule & 31)) & 1) === 1;
  const fault = isExpected ? "unset, but it matches" : "set, but it does not match";
  return fail(context, part, rule, `${where} has rule ${rule} ${fault}`);
}

function lowestBit(bits: number): number {
  return 31 - Math.clz32(bits & -bits);
}
