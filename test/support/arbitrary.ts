/**
 * Models and frames aimed at them, for tests that compare two judges: compiled policies, the kernel's
 * programs, the oracle. Frames come as talks (flows with their answers, errors and ends) mixed with odd
 * packets of every kind, so that every reason is met.
 */
import fc from "fast-check";
import type { Direction, Model } from "../../src/model/model.ts";
import { arbitraryOdd } from "./arbitrary-odd.ts";
import { arbitraryTalk, type Step, type Talk } from "./arbitrary-talk.ts";

export { arbitraryModel, pools } from "./arbitrary-model.ts";

export interface ArbitraryPacket {
  /** Id of an interface of this host. */
  readonly interface: string;
  readonly direction: Direction;
  readonly frame: Uint8Array;
  /** Seconds since the first packet. */
  readonly time: number;
}

/** Seldom, a frame is cut short or has one byte turned: parsers must agree on those, too. */
function spoil(talk: Talk): fc.Arbitrary<Talk> {
  const harm = fc.record({ at: fc.nat(199), kind: fc.constantFrom("cut", "turn"), bit: fc.nat(7) });
  return fc.array(harm, { minLength: talk.steps.length, maxLength: talk.steps.length }).map((harms) => ({
    ...talk,
    steps: talk.steps.map((step, index) => {
      const { at = 0, kind, bit = 0 } = harms[index] ?? {};
      const place = at % Math.max(step.frame.length, 1);
      if (kind === "cut") return { ...step, frame: step.frame.slice(0, Math.max(place, 14)) };
      const turned = Uint8Array.from(step.frame);
      turned[place] = (turned[place] ?? 0) ^ (1 << bit);
      return { ...step, frame: turned };
    }),
  }));
}

function oneOrMoreTalks(model: Model): fc.Arbitrary<Talk> {
  const talk = arbitraryTalk(model);
  const odd = arbitraryOdd(model);
  return fc.oneof(
    { weight: 12, arbitrary: talk },
    { weight: 8, arbitrary: odd },
    { weight: 1, arbitrary: fc.oneof(talk, odd).chain(spoil) },
  );
}

/** How many talks go on at once, and how long their pauses may be, s. */
interface Window {
  readonly talks: number;
  readonly patience: number;
}

/** Some talks at once: mostly without long pauses, so that sessions live, else with any. */
const arbitraryWindow: fc.Arbitrary<Window> = fc.record({
  talks: fc.integer({ min: 5, max: 10 }),
  patience: fc.constantFrom(0, 1, 1, Number.POSITIVE_INFINITY),
});

/** The steps of a window's talks, dealt in turn. */
function interleave(talks: readonly Talk[], patience: number): readonly (Step & { interface: string })[] {
  const laid = talks.flatMap((talk, row) =>
    talk.steps.map((step, column) => ({
      ...step,
      wait: Math.min(step.wait, patience),
      interface: talk.interface,
      row,
      column,
    })),
  );
  return laid.sort((a, b) => a.column - b.column || a.row - b.row);
}

/** Windows of talks, one after the other. */
function mix(talks: readonly Talk[], windows: readonly Window[]): readonly ArbitraryPacket[] {
  let begun = 0;
  let time = 0;
  return windows.flatMap(({ talks: count, patience }) => {
    const together = talks.slice(begun, begun + count);
    begun += count;
    return interleave(together, patience).map((step) => {
      time += step.wait;
      return { interface: step.interface, direction: step.direction, frame: step.frame, time };
    });
  });
}

/** A sequence of frames at interfaces of the model, in the order of time. */
export function arbitraryPackets(
  model: Model,
  options: { talks?: number } = {},
): fc.Arbitrary<readonly ArbitraryPacket[]> {
  const most = options.talks ?? 8;
  const windows = Math.ceil(most / 5);
  return fc
    .tuple(
      fc.array(oneOrMoreTalks(model), { minLength: 1, maxLength: most, size: "max" }),
      fc.array(arbitraryWindow, { minLength: windows, maxLength: windows }),
    )
    .map(([talks, dealt]) => mix(talks, dealt));
}
