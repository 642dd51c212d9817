/** One program through the native build, the oracle and the shipped object; what each says, in the same words. */
import { describeSession } from "../../../src/kernel/session-codec.ts";
import { encodeSettings, type KernelSettings } from "../../../src/kernel/settings.ts";
import type { PacketVerdict, Session } from "../../../src/kernel/status.ts";
import { TestRun } from "../../../src/kernel/testrun.ts";
import type { Direction, Model } from "../../../src/model/model.ts";
import { compileAll } from "../../../src/policy/compile.ts";
import { Oracle } from "../../../src/policy/oracle/oracle.ts";
import { resolve } from "../../../src/policy/resolve.ts";
import type { Resolved } from "../../../src/policy/types.ts";
import { bed } from "../../support/bed.ts";
import { toHex } from "../../support/packet.ts";
import { sayKernel, sayOracle } from "../../support/say.ts";
import { hz, nativeJiffies, readSession, readVerdict, runProgram } from "../program.ts";
import { settings, stages, start } from "./models.ts";
import type { FrameStep, Program } from "./steps.ts";
import { writeProgram } from "./steps.ts";
import { interfaceIds, type World } from "./world.ts";

/** What one of the three said of a program. */
export interface Said {
  /** A line for each frame; null where its test run takes no such frame. */
  readonly verdicts: readonly (string | null)[];
  /** What is remembered at the end and alive, sorted. */
  readonly sessions: readonly string[];
}

/** Walks a program: each frame with its time in seconds; answers the last frame's. */
async function walk(
  program: Program,
  visit: (step: FrameStep, id: string, time: number) => void,
  change: (stage: number) => Promise<void>,
): Promise<number> {
  let [milliseconds, stage, last] = [0, 0, 0];
  for (const step of program.steps) {
    switch (step.kind) {
      case "frame":
        last = milliseconds / 1000;
        visit(step, interfaceIds[step.place % interfaceIds.length] ?? "", last);
        break;
      case "advance":
        milliseconds += step.milliseconds;
        break;
      case "change":
        if (stage + 1 < stages.length) await change(++stage);
        break;
      case "fault":
        break;
      default:
        return step satisfies never;
    }
  }
  return last;
}

const choiceOf = (program: Program): KernelSettings | undefined => settings[program.choice % settings.length];
const resolvedStages = stages.map((model) => resolve(model, { host: "here" }));

/** Without the interface's name, which the kernel's lives change, and the rule's number. */
function saySession({ interface: _, rule: __, ...session }: Session, place: number): string {
  return JSON.stringify({ place, ...session }, (_key, value) =>
    typeof value === "bigint" ? `${value}` : value,
  );
}

const isAlive = (session: Session): boolean => session.expires_seconds !== 0;

/* ---- the native build ---- */

/** Splits what the program answered at the ends of programs: verdicts, then the tables of each interface. */
function splitAnswers(lines: readonly string[]): readonly (readonly string[])[] {
  const parts: string[][] = [[]];
  for (const line of lines) {
    if (line === "end") parts.push([]);
    else parts.at(-1)?.push(line);
  }
  return parts.slice(0, -1);
}

/** All programs in one run of the native build. Throws with the sanitizers' words, or what a check said. */
export async function runNative(
  path: string,
  world: World,
  programs: readonly Program[],
): Promise<readonly Said[]> {
  const asked = world.numbers.map((number) => `sessions ${number}\n`).join("");
  const text = programs.map((program) => `program ${toHex(writeProgram(program))}\n${asked}`).join("");
  const { end, stderr, lines } = runProgram(path, world.text + text);
  if (end !== 0) throw new Error(`ended with ${end}:\n${stderr}`);
  const parts = splitAnswers(lines);
  const said: Said[] = [];
  for (const [index, program] of programs.entries()) {
    const own = parts.slice(index * world.numbers.length, (index + 1) * world.numbers.length);
    said.push(await sayNative(program, own));
  }
  return said;
}

async function sayNative(program: Program, parts: readonly (readonly string[])[]): Promise<Said> {
  const answers = (parts[0] ?? []).filter((line) => /^\d/.test(line)).map(readVerdict);
  const verdicts: string[] = [];
  let resolved = resolvedStages[0];
  const visit = (_step: FrameStep, id: string): void => {
    const verdict = answers[verdicts.length];
    verdicts.push(
      verdict === undefined || resolved === undefined ? "nothing" : sayKernel(verdict, resolved, id),
    );
  };
  const time = await walk(program, visit, async (stage) => {
    resolved = resolvedStages[stage];
  });
  return { verdicts, sessions: saySessions(parts, choiceOf(program), time) };
}

/** Sessions that are alive at a time, of each interface's tables as the native build told them. */
export function saySessions(
  parts: readonly (readonly string[])[],
  choice: KernelSettings | undefined,
  time: number,
): readonly string[] {
  const { timeouts } = encodeSettings(choice ?? missing(), hz, 0);
  const clock = { now: nativeJiffies(time) >>> 0, hz, timeouts, generation: -1 };
  const sessions = parts.flatMap((lines, place) =>
    lines
      .filter((line) => line.startsWith("session "))
      .map(readSession)
      .map(({ table, key, entry }) => describeSession("", table, key, entry, clock))
      .filter(isAlive)
      .map((session) => saySession(session, place)),
  );
  return sessions.sort();
}

function missing(): never {
  throw new Error("there are no settings");
}

/* ---- the oracle ---- */

/** Verdicts only: its sessions are of another shape, and show in the verdicts that follow. */
export async function runOracle(program: Program): Promise<readonly string[]> {
  const [first] = stages;
  if (first === undefined) throw new Error("the world has no stage");
  const oracle = new Oracle(first, { ...choiceOf(program), host: "here" });
  const verdicts: string[] = [];
  const visit = (step: FrameStep, id: string, time: number): void => {
    if (step.state === "removed") {
      verdicts.push("drop not-ready none -");
      return;
    }
    oracle.setReady(id, step.state === "ready");
    verdicts.push(sayOracle(oracle.judge(id, step.direction, step.frame, start + time)));
  };
  await walk(program, visit, async (stage) => {
    const model = stages[stage];
    if (model !== undefined) oracle.change(model);
  });
  return verdicts;
}

/* ---- the shipped object ---- */

/** Names of this life: to the kernel they are new interfaces, in the places of those before. */
function rename(model: Model, life: number): Model {
  const renamed = [...model.interfaces.values()].map((own) => ({ ...own, id: `${own.id}.${life}` }));
  return { ...model, interfaces: new Map(renamed.map((own) => [own.id, own])) };
}

/** No test run takes less. */
const ethernetBytes = 14;
/** Seconds of uptime between two programs. */
const rest = 10_000;

/** The shipped programs, loaded once. */
export class Kernel {
  readonly #run: TestRun;
  #uptime = 0;
  #life = 0;
  #isUsed = true;
  #stages: readonly Resolved[] = [];
  #stage = -1;
  #hookTurn = 0;

  static async open(object: string): Promise<Kernel> {
    const resolved = resolve(bed(), { host: "here" });
    const policies = compileAll(resolved);
    const [base] = settings;
    if (base === undefined) return missing();
    return new Kernel(await TestRun.open({ object, resolved, policies, settings: base, sessions: 4096 }));
  }

  private constructor(run: TestRun) {
    this.#run = run;
  }

  /** A life of its own for many frames: nothing is remembered, the rules are the first stage's. */
  async begin(choice: number): Promise<void> {
    this.#uptime += rest;
    this.#isUsed = true;
    await this.#begin(settings[choice % settings.length] ?? missing());
  }

  /** Frames at one time, each as a test run of a tc program takes it; what is said of each. */
  judgeMany(
    place: number,
    direction: Direction,
    frames: readonly Uint8Array[],
    at: number,
  ): readonly string[] {
    const name = this.#nameOf(interfaceIds[place] ?? "");
    const resolved = this.#stages[0] ?? missing();
    const hook = this.#hookTurn++ % 2 === 0 ? ("xdp" as const) : ("tc" as const);
    const verdicts = this.#run.run({
      interface: name,
      direction,
      ...(direction === "egress" ? { hook } : {}),
      packets: frames,
      times: frames.map(() => start + at),
      uptimes: frames.map(() => this.#uptime + at),
    });
    return verdicts.map((verdict) => (verdict === null ? "nothing" : sayKernel(verdict, resolved, name)));
  }

  /** What is remembered and alive at the time of the last frame. */
  sessions(): Promise<readonly string[]> {
    return this.#sessions();
  }

  async run(program: Program): Promise<Said> {
    await this.#begin(choiceOf(program) ?? missing());
    const verdicts: (string | null)[] = [];
    const time = await walk(
      program,
      (step, id, at) => {
        const verdict = this.#judge(step, this.#nameOf(id), at);
        const resolved = this.#stages[this.#stage] ?? missing();
        verdicts.push(verdict === null ? null : sayKernel(verdict, resolved, this.#nameOf(id)));
        if (verdict?.reason === "dhcp") this.#isUsed = true;
      },
      (stage) => this.#change(stage),
    );
    const sessions = await this.#sessions();
    this.#uptime += time + rest;
    return { verdicts, sessions };
  }

  /** Nothing remembered: rates are long over, sessions go; known DHCP servers go only with the interfaces. */
  async #begin(choice: KernelSettings): Promise<void> {
    this.#run.configure(choice);
    if (this.#isUsed) {
      this.#life++;
      this.#stages = stages.map((model) => resolve(rename(model, this.#life), { host: "here" }));
      this.#stage = -1;
      this.#isUsed = false;
    }
    if (this.#stage !== 0) await this.#change(0);
    for (const id of interfaceIds) await this.#run.flush(this.#nameOf(id));
  }

  async #change(stage: number): Promise<void> {
    const resolved = this.#stages[stage] ?? missing();
    await this.#run.change(resolved, compileAll(resolved));
    this.#stage = stage;
  }

  #nameOf(id: string): string {
    return `${id}.${this.#life}`;
  }

  #judge(step: FrameStep, name: string, at: number): PacketVerdict | null {
    if (step.frame.length < ethernetBytes) return null;
    const hook = this.#hookTurn++ % 2 === 0 ? ("xdp" as const) : ("tc" as const);
    const [verdict] = this.#run.run({
      interface: name,
      direction: step.direction,
      ...(step.direction === "egress" ? { hook } : {}),
      state: step.state,
      packets: [step.frame],
      times: [start + at],
      uptimes: [this.#uptime + at],
    });
    return verdict ?? null;
  }

  async #sessions(): Promise<readonly string[]> {
    const said: string[] = [];
    for (const [place, id] of interfaceIds.entries()) {
      const sessions = await this.#run.sessions(this.#nameOf(id));
      said.push(...sessions.filter(isAlive).map((session) => saySession(session, place)));
    }
    return said.sort();
  }

  close(): void {
    this.#run.close();
  }
}
