/** Scenes in which something else than the agent and this CPU writes to the maps, between packets. */
import { plays } from "../../semantics/rows.ts";
import type { Setting } from "../../semantics/setting.ts";
import { out, type Step, syn, tcp, type Way } from "../../semantics/steps.ts";
import type { Bench } from "../bench.ts";
import { type SaidRow, Speaker } from "../rows.ts";

export interface DamagedScene {
  readonly claim: string;
  readonly setting?: Setting;
  readonly before?: readonly Step[];
  readonly damage: (bench: Bench) => unknown;
  readonly after: readonly Step[];
  /** Of eni-1 at the end: "table state" of each, sorted; nothing: not asked. */
  readonly sessions?: readonly string[];
}

export const firstPiece: Way = { ip4: { moreFragments: true, identification: 1 } };
export const asksOut = (expected: string): Step => out(syn(443), expected);
export const goesOn = (expected: string): Step =>
  out(tcp("40443>443", "A", { sequence: 1001, acknowledgement: 5001 }), expected);

export interface SaidScene extends SaidRow {
  readonly claim: string;
  readonly sessions: readonly (readonly string[])[] | null;
}

/** In IPv4: what is damaged is the same for both families. */
export async function sayDamaged(scenes: readonly DamagedScene[]): Promise<readonly SaidScene[]> {
  const said: SaidScene[] = [];
  for (const { claim, setting = {}, before = [], damage, after, sessions } of scenes) {
    const row = plays(claim, setting, [], { families: [4] });
    const speaker = new Speaker(row, 4);
    await speaker.change(setting);
    for (const step of before) await speaker.say(step);
    damage(speaker.bench);
    for (const step of after) await speaker.say(step);
    if (sessions !== undefined) speaker.bench.tellSessions("eni-1");
    const { text } = speaker.bench.script;
    said.push({ claim, text, frames: speaker.frames, sessions: sessions === undefined ? null : [sessions] });
  }
  return said;
}
