/** Plays scripts on the shipped programs by test run: one loaded object for all of them. */
import { defaultSettings } from "../../src/kernel/settings.ts";
import { TestRun } from "../../src/kernel/testrun.ts";
import type { Family, Model } from "../../src/model/model.ts";
import { compileAll } from "../../src/policy/compile.ts";
import { resolve } from "../../src/policy/resolve.ts";
import type { Resolved } from "../../src/policy/types.ts";
import { objectPath } from "../kernel/host.ts";
import { modelOf } from "../semantics/setting.ts";
import { type Hook, renameInterfaces } from "../semantics/stage.ts";
import { sayKernel } from "../support/say.ts";
import { frameOf, type Judge, scriptStart } from "./judge.ts";
import { sayKernelSession } from "./kernel-session.ts";
import { type Script, type ScriptStep, settingOf } from "./script.ts";

/** Scripts are this far apart, s: what one leaves is nobody's, and has ended. */
const apart = 100_000;

function modelFor(setting: Script["setting"], family: Family): Model {
  return modelOf(settingOf(setting), { family, start: scriptStart });
}

/** One script on the programs, a step at a time. */
export class KernelPlay {
  readonly #run: TestRun;
  readonly #script: Script;
  readonly #family: Family;
  readonly #how: { readonly mark: string; readonly start: number; readonly hook: Hook };
  #resolved: Resolved;
  /** Time of the last packet. */
  #last = 0;

  private constructor(
    run: TestRun,
    script: Script,
    family: Family,
    how: { mark: string; start: number; hook: Hook },
  ) {
    this.#run = run;
    this.#script = script;
    this.#family = family;
    this.#how = how;
    this.#resolved = resolve(renameInterfaces(modelFor(script.setting, family), how.mark), { host: "here" });
  }

  static async begin(
    run: TestRun,
    script: Script,
    family: Family,
    how: { mark: string; start: number; hook: Hook },
  ): Promise<KernelPlay> {
    const play = new KernelPlay(run, script, family, how);
    run.configure({ ...defaultSettings, ...script.settings });
    await run.change(play.#resolved, compileAll(play.#resolved));
    return play;
  }

  async perform(step: ScriptStep): Promise<string | null> {
    switch (step.kind) {
      case "packet":
        return this.#judge(step);
      case "session": {
        const sessions = await this.#run.sessions(this.#how.mark + step.packet.on);
        return sayKernelSession(sessions, step.packet, this.#family, step.time - this.#last);
      }
      case "change": {
        const model = renameInterfaces(modelFor(step.setting, this.#family), this.#how.mark);
        this.#resolved = resolve(model, { host: "here" });
        await this.#run.change(this.#resolved, compileAll(this.#resolved));
        return null;
      }
      default: {
        const never: never = step;
        return never;
      }
    }
  }

  #judge({ packet, time }: Extract<ScriptStep, { kind: "packet" }>): string {
    const { mark, start, hook } = this.#how;
    const id = mark + packet.on;
    this.#last = time;
    const [verdict] = this.#run.run({
      interface: id,
      direction: packet.direction,
      hook,
      packets: [frameOf(this.#script, packet, this.#family)],
      times: [scriptStart + time],
      uptimes: [start + time],
    });
    if (verdict === undefined || verdict === null) throw new Error("the kernel's test run took no frame");
    return sayKernel(verdict, this.#resolved, id);
  }
}

export class KernelStage {
  readonly #run: TestRun;
  #plays = 0;

  private constructor(run: TestRun) {
    this.#run = run;
  }

  static async open(): Promise<KernelStage> {
    const resolved = resolve(modelOf({}, { family: 4, start: scriptStart }), { host: "here" });
    const policies = compileAll(resolved);
    return new KernelStage(
      await TestRun.open({ object: objectPath, resolved, policies, settings: defaultSettings }),
    );
  }

  begin(script: Script, family: Family, hook: Hook): Promise<KernelPlay> {
    const number = this.#plays++;
    const how = { mark: `s${number}.`, start: number * apart, hook };
    return KernelPlay.begin(this.#run, script, family, how);
  }

  /** Egress at this hook; ingress has one only. */
  judge(hook: Hook): Judge {
    return {
      name: `kernel (${hook})`,
      play: async (script, family) => {
        const play = await this.begin(script, family, hook);
        const said: (string | null)[] = [];
        for (const step of script.steps) said.push(await play.perform(step));
        return said;
      },
    };
  }

  close(): void {
    this.#run.close();
  }
}
