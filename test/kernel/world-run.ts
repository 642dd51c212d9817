/** Worlds in the shipped programs: thousands of rule sets, a hundred an apply, each packet a new session. */
import { defaultSettings, type KernelSettings } from "../../src/kernel/settings.ts";
import type { PacketVerdict } from "../../src/kernel/status.ts";
import { TestRun } from "../../src/kernel/testrun.ts";
import type { Direction, Interface } from "../../src/model/model.ts";
import { compileAll } from "../../src/policy/compile.ts";
import type { CompiledPolicy, Resolved } from "../../src/policy/types.ts";
import { type NamedVerdict, nameVerdict } from "../support/named-verdict.ts";
import { type Dressing, dressings, questionFrame } from "../support/question-frame.ts";
import type { WorldQuestion } from "../support/world-questions.ts";
import { objectPath } from "./host.ts";

/** Seconds. Sessions are over before the next packet. */
const idle = 1;
const between = 2;

const settings: KernelSettings = {
  ...defaultSettings,
  timeouts: {
    tcpEstablished: idle,
    tcpOpening: idle,
    tcpClosing: idle,
    udpReplied: idle,
    udpUnreplied: idle,
    icmp: idle,
    others: idle,
  },
};

type Compile = (resolved: Resolved) => ReadonlyMap<bigint, CompiledPolicy>;

/** The shipped programs with one world after the other. */
export class WorldRun {
  readonly #run: TestRun;
  #resolved: Resolved;
  #policies = new Map<string, bigint>();
  #uptime = 0;
  #batches = 0;

  static async open(resolved: Resolved, compile: Compile = compileAll): Promise<WorldRun> {
    const run = await TestRun.open({ object: objectPath, resolved, policies: compile(resolved), settings });
    return new WorldRun(run, resolved);
  }

  private constructor(run: TestRun, resolved: Resolved) {
    this.#run = run;
    this.#resolved = resolved;
    this.#follow(resolved);
  }

  #follow(resolved: Resolved): void {
    this.#resolved = resolved;
    this.#policies = new Map(resolved.interfaces.map((one) => [one.interface.id, one.policy]));
  }

  async change(resolved: Resolved, compile: Compile = compileAll): Promise<void> {
    await this.#run.change(resolved, compile(resolved));
    this.#follow(resolved);
  }

  /** One verdict a question, in their order; both hooks of egress, and what stands around a packet, in turn. */
  ask(own: Interface, questions: readonly WorldQuestion[]): NamedVerdict[] {
    const verdicts: NamedVerdict[] = new Array(questions.length);
    for (const direction of ["egress", "ingress"] as const) {
      const places = questions.flatMap((question, place) =>
        question.direction === direction ? [place] : [],
      );
      const asked = places.flatMap((place) => questions[place] ?? []);
      for (const [index, verdict] of this.#askOne(own, direction, asked).entries()) {
        verdicts[places[index] ?? 0] = this.#name(own, verdict);
      }
    }
    return verdicts;
  }

  #askOne(own: Interface, direction: Direction, asked: readonly WorldQuestion[]): (PacketVerdict | null)[] {
    const turn = this.#batches++;
    const dressing = (index: number): Dressing => dressings[(turn + index) % 8] ?? "plain";
    return this.#run.run({
      interface: own.id,
      direction,
      ...(direction === "egress" && turn % 4 < 2 ? { hook: "tc" as const } : {}),
      packets: asked.map((question, index) => questionFrame(own, question, dressing(index))),
      times: asked.map(({ time }) => time),
      uptimes: asked.map(() => (this.#uptime += between)),
    });
  }

  #name(own: Interface, verdict: PacketVerdict | null): NamedVerdict {
    if (verdict === null) throw new Error(`${own.id}: the kernel's test run took no such frame`);
    const key = this.#policies.get(own.id) ?? 0n;
    return nameVerdict(verdict, this.#resolved.policies.get(key)?.sides[verdict.ruleSide].rules ?? []);
  }

  close(): void {
    this.#run.close();
  }
}
