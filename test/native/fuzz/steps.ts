/** Programs (program.h), read and written. */
import type { Direction } from "../../../src/model/model.ts";
import { join, number } from "../../support/packet.ts";

export interface FrameStep {
  readonly kind: "frame";
  /** Place of the interface, modulo their number. */
  readonly place: number;
  readonly direction: Direction;
  readonly state: "ready" | "not-ready" | "removed";
  readonly frame: Uint8Array;
}

export type Step =
  | FrameStep
  | { readonly kind: "advance"; readonly milliseconds: number }
  | { readonly kind: "change" }
  /** What happens to the native build only: evictions, failures, recycled elements. */
  | { readonly kind: "fault" };

export interface Program {
  /** Which settings, modulo their number. */
  readonly choice: number;
  readonly steps: readonly Step[];
}

const operation = { frame: 0, advance: 2, change: 3 } as const;
/** Bytes of each operation's arguments, without a frame's bytes. */
const argumentSizes = [3, 3, 2, 0, 2, 1, 1, 1] as const;
const flag = { ingress: 8, notReady: 16, removed: 32 } as const;
const scales = [1, 100, 1000, 10_000] as const;
const headSize = 2;
const frameMax = 2048;
/** A program's further frames are not judged. */
const framesMax = 64;

function stateOf(flags: number): FrameStep["state"] {
  if (flags & flag.removed) return "removed";
  return flags & flag.notReady ? "not-ready" : "ready";
}

function frameStep(flags: number, frame: Uint8Array): FrameStep {
  return {
    kind: "frame",
    place: flags & 7,
    direction: flags & flag.ingress ? "ingress" : "egress",
    state: stateOf(flags),
    frame,
  };
}

function advanceStep(word: number): Step {
  return { kind: "advance", milliseconds: (word & 0x0fff) * (scales[(word >> 12) & 3] ?? 1) };
}

/** The operation at `at`, and where the next one begins; null where the program ends. */
function readStep(bytes: Uint8Array, at: number): { readonly step: Step; readonly end: number } | null {
  const code = bytes[at];
  if (code === undefined) return null;
  const which = (code & 7) === 1 ? operation.frame : code & 7;
  const behind = at + 1 + (argumentSizes[which] ?? 0);
  if (behind > bytes.length) return null;
  const [first = 0, second = 0, third = 0] = bytes.subarray(at + 1, behind);
  switch (which) {
    case operation.frame: {
      const size = Math.min(second | (third << 8), frameMax, bytes.length - behind);
      return { step: frameStep(first, bytes.slice(behind, behind + size)), end: behind + size };
    }
    case operation.advance:
      return { step: advanceStep(first | (second << 8)), end: behind };
    case operation.change:
      return { step: { kind: "change" }, end: behind };
    default:
      return { step: { kind: "fault" }, end: behind };
  }
}

export function readProgram(bytes: Uint8Array): Program {
  const steps: Step[] = [];
  let frames = 0;
  for (let read = readStep(bytes, headSize); read !== null; read = readStep(bytes, read.end)) {
    if (read.step.kind === "frame" && ++frames > framesMax) continue;
    steps.push(read.step);
  }
  return { choice: bytes[0] ?? 0, steps };
}

function writeStep(step: Step): Uint8Array {
  switch (step.kind) {
    case "frame": {
      const { place, direction, state, frame } = step;
      const bits =
        place | (direction === "ingress" ? flag.ingress : 0) | (state === "not-ready" ? flag.notReady : 0);
      const flags = bits | (state === "removed" ? flag.removed : 0);
      const size = frame.length;
      return join(Uint8Array.of(operation.frame, flags, size & 0xff, size >> 8), frame);
    }
    case "advance": {
      const scale = scales.findIndex((each) => step.milliseconds / each <= 0x0fff);
      const word = Math.floor(step.milliseconds / (scales[scale] ?? 1)) | (scale << 12);
      return join(Uint8Array.of(operation.advance), number(word & 0xff, 1), number(word >> 8, 1));
    }
    case "change":
      return Uint8Array.of(operation.change);
    case "fault":
      return new Uint8Array();
    default:
      return step satisfies never;
  }
}

/** The same program without what only the native build knows: faults, aggregates, uplinks, small tables. */
export function writeProgram(program: Program): Uint8Array {
  return join(Uint8Array.of(program.choice, 0), ...program.steps.map(writeStep));
}
