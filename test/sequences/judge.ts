/** What plays a script, and how what it says is held against what the script expects. */
import type { Family } from "../../src/model/model.ts";
import { buildFrame } from "./build.ts";
import type { PacketSpec, Script, ScriptStep } from "./script.ts";

/** Seconds of UTC when a script begins; binary fractions of seconds stay exact. */
export const scriptStart = 1_800_000_000;

/** Plays scripts; every play begins with empty tables. */
export interface Judge {
  readonly name: string;
  /**
   * What became of each packet ("accept rule new sg-t 0") and of each session that is asked for ("opening, expires
   * 30"), in order; null for a change.
   */
  play(script: Script, family: Family): Promise<readonly (string | null)[]>;
}

/** A frame of the script, with the packets that it quotes. */
export function frameOf(script: Script, packet: PacketSpec, family: Family): Uint8Array {
  return buildFrame(packet, family, (label) => {
    const quoted = script.steps.find((step) => step.kind === "packet" && step.packet.label === label);
    if (quoted?.kind !== "packet") throw new Error(`${script.file}: no packet is "as ${label}"`);
    return quoted.packet;
  });
}

/** "established, expires 910"; seconds that are left. Null: it never expires, "revoked". */
export function saySession(state: string, expires: number | null): string {
  return state === "none" || expires === null ? state : `${state}, expires ${expires}`;
}

/** What a step expects to hear; null: nothing. */
export function expectationOf(step: ScriptStep): string | null {
  switch (step.kind) {
    case "packet":
      return step.expect;
    case "session":
      return step.expires === null ? step.state : saySession(step.state, step.expires);
    case "change":
      return null;
    default: {
      const never: never = step;
      return never;
    }
  }
}

/** Is it what was expected, perhaps with more behind it (the rule, the seconds that nobody asked for)? */
function isExpected(said: string | null, expected: string | null): boolean {
  if (said === null || expected === null) return said === expected;
  return said === expected || said.startsWith(`${expected} `) || said.startsWith(`${expected}, `);
}

/** A line `file:line: …` for each step that was judged otherwise. */
export function findFaults(
  script: Script,
  family: Family,
  judge: string,
  said: readonly (string | null)[],
): string[] {
  return script.steps.flatMap((step, index) => {
    const [expected, heard] = [expectationOf(step), said[index] ?? null];
    if (isExpected(heard, expected)) return [];
    return [`${script.file}:${step.line}: expected ${expected}, the ${judge} said ${heard} (IPv${family})`];
  });
}
