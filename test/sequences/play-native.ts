/** Plays scripts on the verdict as a host program, under sanitizers: a process each. */
import { describeSession } from "../../src/kernel/session-codec.ts";
import { defaultSettings, encodeSettings } from "../../src/kernel/settings.ts";
import type { PacketVerdict } from "../../src/kernel/status.ts";
import type { Family } from "../../src/model/model.ts";
import type { Resolved } from "../../src/policy/types.ts";
import { Bench } from "../native/bench.ts";
import { hz, type NativeSession, nativeJiffies } from "../native/program.ts";
import { modelOf } from "../semantics/setting.ts";
import { sayKernel } from "../support/say.ts";
import { frameOf, type Judge, scriptStart } from "./judge.ts";
import { sayKernelSession } from "./kernel-session.ts";
import { type Script, type ScriptStep, settingOf } from "./script.ts";

/** Entries of a session table: no script fills one. */
const entries = 1024;

/** The process answers at its end: what each step will be told from its answers. */
type Answer = (
  verdicts: readonly PacketVerdict[],
  tellings: readonly (readonly NativeSession[])[],
) => string | null;

class Rehearsal {
  readonly #script: Script;
  readonly #family: Family;
  readonly #bench: Bench;
  #resolved: Resolved | undefined;
  #frames = 0;
  #tellings = 0;

  constructor(script: Script, family: Family) {
    this.#script = script;
    this.#family = family;
    this.#bench = new Bench(scriptStart, { ...defaultSettings, ...script.settings }, entries);
  }

  async change(setting: Script["setting"]): Promise<void> {
    await this.#bench.change(modelOf(settingOf(setting), { family: this.#family, start: scriptStart }));
    this.#resolved = this.#bench.resolved;
  }

  async rehearse(step: ScriptStep): Promise<Answer> {
    switch (step.kind) {
      case "packet":
        return this.#judge(step);
      case "session":
        return this.#tell(step);
      case "change":
        await this.change(step.setting);
        return () => null;
      default: {
        const never: never = step;
        return never;
      }
    }
  }

  #judge({ packet, time }: Extract<ScriptStep, { kind: "packet" }>): Answer {
    const [resolved, number] = [this.#resolved, this.#frames++];
    const frame = frameOf(this.#script, packet, this.#family);
    this.#bench.judge({ interface: packet.on, direction: packet.direction, time, frame });
    return (verdicts) => {
      const verdict = verdicts[number];
      if (verdict === undefined || resolved === undefined) throw new Error(`no verdict on frame ${number}`);
      return sayKernel(verdict, resolved, packet.on);
    };
  }

  #tell({ packet, time }: Extract<ScriptStep, { kind: "session" }>): Answer {
    const number = this.#tellings++;
    this.#bench.tellSessions(packet.on);
    const { timeouts } = encodeSettings({ ...defaultSettings, ...this.#script.settings }, hz, 0);
    const clock = { now: nativeJiffies(time) >>> 0, hz, timeouts, generation: 0 };
    return (_, tellings) => {
      const sessions = (tellings[number] ?? []).map(({ table, key, entry }) =>
        describeSession(packet.on, table, key, entry, clock),
      );
      return sayKernelSession(sessions, packet, this.#family, 0);
    };
  }

  get text(): string {
    return this.#bench.script.text;
  }

  run(program: string, answers: readonly Answer[]): readonly (string | null)[] {
    const { verdicts, tellings } = this.#bench.script.runAndTell(program);
    return answers.map((answer) => answer(verdicts, tellings));
  }
}

/** A script's commands, for whoever asks only what the program makes of them. */
export async function sayScript(script: Script, family: Family): Promise<string> {
  const rehearsal = new Rehearsal(script, family);
  await rehearsal.change(script.setting);
  for (const step of script.steps) await rehearsal.rehearse(step);
  return rehearsal.text;
}

/** `program`: as buildProgram answers it. */
export function nativeJudge(program: string): Judge {
  return {
    name: "native program",
    play: async (script, family) => {
      const rehearsal = new Rehearsal(script, family);
      await rehearsal.change(script.setting);
      const answers: Answer[] = [];
      for (const step of script.steps) answers.push(await rehearsal.rehearse(step));
      return rehearsal.run(program, answers);
    },
  };
}
