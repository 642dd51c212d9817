/** Plays rows on the oracle and on the shipped kernel program at once: one loaded program for all of them. */

import { fitsTc } from "../../src/kernel/frames.ts";
import { defaultSettings, type KernelSettings } from "../../src/kernel/settings.ts";
import { TestRun } from "../../src/kernel/testrun.ts";
import type { Family, Model } from "../../src/model/model.ts";
import { compileAll } from "../../src/policy/compile.ts";
import { Oracle } from "../../src/policy/oracle/oracle.ts";
import { resolve } from "../../src/policy/resolve.ts";
import type { Resolved } from "../../src/policy/types.ts";
import { objectPath } from "../kernel/host.ts";
import { address } from "../support/bed.ts";
import { macBytes } from "../support/packet.ts";
import { sayKernel, sayOracle, saysTheSame } from "../support/say.ts";
import { addressOf, hostMac } from "./places.ts";
import type { Play } from "./rows.ts";
import { type Moment, modelOf, type Setting } from "./setting.ts";
import type { InterfaceLife, Step } from "./steps.ts";

export type Hook = "xdp" | "tc";

/** One packet that was judged: what was expected, and what both said. */
export interface Judged {
  readonly step: number;
  readonly expected: string;
  readonly oracle: string;
  /** null: the kernel's tc test run takes no frame shorter than its headers. */
  readonly kernel: string | null;
}

const host = "here";
/** From the end of a row to the next one, s: whatever one leaves has ended when the next begins. */
const apart = 10_000;
/** TAI has been this far ahead of UTC since 2017, s. */
const taiOffset = 37;
/** The host's uplink carries vpc-a and vpc-c, not vpc-b; the host is far. */
const uplink = {
  networks: ["vpc-a", "vpc-c"],
  addresses: ([4, 6] as const).map((family) => address(addressOf("far", family))),
  macs: [macBytes(hostMac)],
};
const firstStart = 1_800_000_000;

/** The same model with interfaces of other names: nothing that an earlier row left belongs to them. */
export function renameInterfaces(model: Model, mark: string): Model {
  const interfaces = new Map(
    [...model.interfaces.values()].map((own) => [mark + own.id, { ...own, id: mark + own.id }]),
  );
  return { ...model, interfaces };
}

function isFor(step: string, expected: string): boolean {
  return step === expected || step.startsWith(`${expected} `);
}

/** Does what was said match what a row expects? The session is `none` where the row names none. */
export function matchesExpected({ expected, oracle, kernel }: Judged): boolean {
  const words = expected.split(" ").length;
  const full = words === 2 ? `${expected} none` : expected;
  return isFor(oracle, full) && (kernel === null || saysTheSame(kernel, oracle));
}

class Performance {
  readonly #run: TestRun;
  readonly #mark: string;
  readonly #moment: Moment;
  readonly #hook: Hook;
  readonly #oracle: Oracle;
  readonly #states = new Map<string, InterfaceLife>();
  #resolved: Resolved;
  #now: number;

  private constructor(
    run: TestRun,
    resolved: Resolved,
    oracle: Oracle,
    how: { mark: string; moment: Moment; hook: Hook },
  ) {
    this.#run = run;
    this.#resolved = resolved;
    this.#oracle = oracle;
    this.#mark = how.mark;
    this.#moment = how.moment;
    this.#hook = how.hook;
    this.#now = how.moment.start;
  }

  static async begin(
    run: TestRun,
    play: Play,
    how: { mark: string; moment: Moment; hook: Hook },
  ): Promise<Performance> {
    const settings: KernelSettings = { ...defaultSettings, ...play.settings };
    const model = renameInterfaces(modelOf(play.setting, how.moment), how.mark);
    const resolved = resolve(model, { host });
    run.configure(settings);
    await run.change(resolved, compileAll(resolved));
    return new Performance(run, resolved, new Oracle(model, { ...settings, host }), how);
  }

  get now(): number {
    return this.#now;
  }

  async perform(steps: readonly Step[]): Promise<Judged[]> {
    const judged: Judged[] = [];
    for (const [index, step] of steps.entries()) {
      if (step.kind === "wait") this.#now += step.seconds;
      else if (step.kind === "change") await this.#change(step.setting);
      else if (step.kind === "state") this.#setState(step.on, step.state);
      else if (step.kind === "end") await this.#end(this.#mark + step.on);
      else if (step.kind === "sessions") judged.push({ step: index, ...(await this.#countSessions(step)) });
      else if (step.kind === "uplink") judged.push({ step: index, ...this.#arrive(step) });
      else judged.push({ step: index, expected: step.expect, ...this.#judge(step) });
    }
    return judged;
  }

  async #change(setting: Setting): Promise<void> {
    const model = renameInterfaces(modelOf(setting, this.#moment), this.#mark);
    this.#resolved = resolve(model, { host });
    await this.#run.change(this.#resolved, compileAll(this.#resolved));
    this.#states.clear();
    this.#oracle.change(model);
  }

  /** A removed one is out of the oracle's model; the program finds it so in its record. */
  #setState(on: string, state: InterfaceLife): void {
    const id = this.#mark + on;
    this.#states.set(id, state);
    if (state === "removed") {
      const interfaces = new Map(this.#resolved.model.interfaces);
      interfaces.delete(id);
      this.#oracle.change({ ...this.#resolved.model, interfaces });
    } else {
      this.#oracle.setReady(id, state === "ready");
    }
  }

  async #end(id: string): Promise<void> {
    this.#oracle.end(id, this.#now);
    await this.#run.endSessions(id, this.#now);
  }

  #arrive({ frame, expect }: Extract<Step, { kind: "uplink" }>): Omit<Judged, "step"> {
    const [action = "nothing"] = this.#run.runUplink([frame(this.#moment.family)], [this.#now]);
    return {
      expected: `at the uplink ${expect}`,
      oracle: `at the uplink ${expect}`,
      kernel: `at the uplink ${action}`,
    };
  }

  /** At the time of the packet before. */
  async #countSessions({ on, alive }: Extract<Step, { kind: "sessions" }>): Promise<Omit<Judged, "step">> {
    const id = this.#mark + on;
    const listed = await this.#run.sessions(id);
    const kernel = listed.filter(({ state, revoked }) => state !== "fragment" && !revoked).length;
    const oracle = this.#oracle.sessions(id, this.#now).filter(({ revoked }) => revoked === null).length;
    return {
      expected: `sessions alive: ${alive}`,
      oracle: `sessions alive: ${oracle}`,
      kernel: `sessions alive: ${kernel}`,
    };
  }

  #judge(step: Extract<Step, { kind: "packet" }>): Pick<Judged, "oracle" | "kernel"> {
    const id = this.#mark + step.on;
    const frame = step.frame(this.#moment.family);
    const oracle = sayOracle(this.#oracle.judge(id, step.direction, frame, this.#now));
    const [verdict = null] = this.#run.run({
      interface: id,
      direction: step.direction,
      hook: this.#hook,
      packets: [frame],
      times: [this.#now],
      state: this.#states.get(id) ?? "ready",
    });
    if (verdict === null && fitsTc(frame)) throw new Error("the kernel's program did not judge the frame");
    return { oracle, kernel: verdict === null ? null : sayKernel(verdict, this.#resolved, id) };
  }
}

export class Stage {
  readonly #run: TestRun;
  #rows = 0;
  #next = firstStart;
  /** Settles when the row that is played has ended. */
  #played: Promise<unknown> = Promise.resolve();

  private constructor(run: TestRun) {
    this.#run = run;
  }

  static async open(): Promise<Stage> {
    const resolved = resolve(modelOf({}, { family: 4, start: firstStart }), { host });
    return new Stage(
      await TestRun.open({
        object: objectPath,
        resolved,
        policies: compileAll(resolved),
        settings: defaultSettings,
        taiOffset,
        uplink,
      }),
    );
  }

  /** Plays a row from an empty table of sessions, later than every row before; one row after the other. */
  play(row: Play, family: Family, hook: Hook): Promise<Judged[]> {
    const played = this.#played.then(() => this.#play(row, family, hook));
    this.#played = played.catch(() => undefined);
    return played;
  }

  async #play(row: Play, family: Family, hook: Hook): Promise<Judged[]> {
    const number = this.#rows++;
    const moment = { family, start: this.#next };
    const performance = await Performance.begin(this.#run, row, { mark: `r${number}.`, moment, hook });
    const judged = await performance.perform(row.steps);
    this.#next = performance.now + apart;
    return judged;
  }

  close(): void {
    this.#run.close();
  }
}
