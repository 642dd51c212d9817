/** The rows of docs/semantics.md as commands for the native program. */
import { defaultSettings } from "../../src/kernel/settings.ts";
import type { Family } from "../../src/model/model.ts";
import type { Resolved } from "../../src/policy/types.ts";
import { chapters } from "../semantics/chapters.ts";
import type { Play } from "../semantics/rows.ts";
import { modelOf } from "../semantics/setting.ts";
import type { Step } from "../semantics/steps.ts";
import { Bench } from "./bench.ts";

/** Seconds of UTC at each row's first packet. */
const start = 1_800_000_000;
/** No row has more sessions, or more rules. */
const tables = 256;
const entries = 16_384;

/** A frame of a row: what it must get, and what is needed to say what it got. */
export interface RowFrame {
  readonly row: string;
  /** "verdict reason session rule" or the beginning of it. */
  readonly expected: string;
  readonly resolved: Resolved;
  readonly interface: string;
}

export interface SaidRow {
  /** Commands; one row may stand behind another. */
  readonly text: string;
  readonly frames: readonly RowFrame[];
}

/** Says a row step by step. */
export class Speaker {
  readonly #row: string;
  readonly #family: Family;
  readonly bench: Bench;
  readonly frames: RowFrame[] = [];
  #now = 0;

  constructor(row: Play, family: Family) {
    this.#row = `${row.claim} (IPv${family})`;
    this.#family = family;
    this.bench = new Bench(start, { ...defaultSettings, ...row.settings }, tables, entries);
    for (const map of ["rw_rates", "rw_dhcp"]) this.bench.script.say(`clear ${map}`);
    this.bench.script.say("faults 0 0 0 0");
  }

  async change(setting: Play["setting"]): Promise<void> {
    await this.bench.change(modelOf(setting, { family: this.#family, start }));
  }

  async say(step: Step): Promise<void> {
    switch (step.kind) {
      case "packet":
        this.#judge(step);
        break;
      case "wait":
        this.#now += step.seconds;
        break;
      case "change":
        await this.change(step.setting);
        break;
      case "state":
        this.bench.setState(step.on, step.state);
        break;
      case "end":
        this.bench.endSessions(step.on, this.#now);
        break;
      case "sessions":
        this.bench.tellSessions(step.on);
        break;
      // The host program has no uplink of its own.
      case "uplink":
        break;
      default:
        step satisfies never;
    }
  }

  #judge({ on, direction, frame, expect }: Extract<Step, { kind: "packet" }>): void {
    const { resolved } = this.bench;
    if (resolved === undefined) throw new Error("the row has no model");
    this.bench.judge({ interface: on, direction, time: this.#now, frame: frame(this.#family) });
    this.frames.push({ row: this.#row, expected: expect, resolved, interface: on });
  }
}

/** A row, then its sessions and events. */
export async function sayRow(row: Play, family: Family): Promise<SaidRow> {
  const speaker = new Speaker(row, family);
  await speaker.change(row.setting);
  for (const step of row.steps) await speaker.say(step);
  speaker.bench.tellSessions("eni-1");
  speaker.bench.script.say("events");
  return { text: speaker.bench.script.text, frames: speaker.frames };
}

/** Every row that is played, in each of its families. */
export async function sayRows(): Promise<readonly SaidRow[]> {
  const rows = chapters.flatMap(({ sentences }) => Object.values(sentences).flat());
  const said: SaidRow[] = [];
  for (const row of rows) {
    if (row.kind !== "play") continue;
    for (const family of row.families) said.push(await sayRow(row, family));
  }
  return said;
}
