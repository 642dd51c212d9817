import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Model } from "../../src/model/model.ts";
import { requireInterface } from "../../src/policy/evaluate.ts";
import { resolve } from "../../src/policy/resolve.ts";
import { type Law, laws } from "../support/laws.ts";
import type { NamedVerdict } from "../support/named-verdict.ts";
import { Random } from "../support/random.ts";
import { seed } from "../support/seed.ts";
import { ipv4Half, ipv6Twin, twinQuestion } from "../support/twins.ts";
import { makeWorld, usualWorld } from "../support/world.ts";
import { aimQuestion, isForRules, type Target, type WorldQuestion } from "../support/world-questions.ts";
import { targetsOf } from "../support/world-targets.ts";
import { WorldRun } from "./world-run.ts";

/** For each rule set; more in memory (test/unit/policy/laws.test.ts). */
const packets = 40;

interface Asked {
  readonly target: Target;
  readonly questions: readonly WorldQuestion[];
  readonly verdicts: readonly NamedVerdict[];
}

const say = (one: NamedVerdict | undefined): string => `${one?.verdict} ${one?.reason}`;

describe("the kernel", () => {
  let run: WorldRun;
  beforeAll(async () => {
    run = await WorldRun.open(resolve(makeWorld(new Random(seed), usualWorld), { host: "here" }));
  });
  afterAll(() => run?.close());

  /** Questions to every interface of a world, answered under it. */
  function askWorld(
    random: Random,
    targets: readonly Target[],
    isAsked: (target: Target, question: WorldQuestion) => boolean,
  ): readonly Asked[] {
    return targets.map((target) => {
      const questions = Array.from({ length: packets }, () => aimQuestion(random, target).question).filter(
        (question) => isAsked(target, question),
      );
      return { target, questions, verdicts: run.ask(target.own, questions) };
    });
  }

  /** Under other names all interfaces are new ones, for which a run has not room enough: it gets another. */
  async function withChanged<T>(law: Law, changed: Model, body: (after: WorldRun) => T): Promise<T> {
    const resolved = resolve(changed, { host: "here" });
    const after = law.renamed === undefined ? run : await WorldRun.open(resolved);
    try {
      if (after === run) await run.change(resolved);
      return body(after);
    } finally {
      if (after !== run) after.close();
    }
  }

  async function breaksOf(law: Law): Promise<readonly string[]> {
    const random = new Random(seed);
    const model = makeWorld(random, usualWorld);
    await run.change(resolve(model, { host: "here" }));
    const asked = askWorld(random, targetsOf(model), () => true);
    const changed = law.change(model, random);
    return withChanged(law, changed, (after) =>
      asked.flatMap(({ target, questions, verdicts }) => {
        const own = requireInterface(changed, law.renamed?.(target.own.id) ?? target.own.id);
        const later = after.ask(own, questions);
        return verdicts.flatMap((before, place) => {
          const second = later[place];
          const holds = second !== undefined && law.holds(before, second);
          return holds ? [] : [`${own.id}: ${say(before)}, then ${say(second)}`];
        });
      }),
    );
  }

  for (const law of laws) {
    it(`obeys: ${law.name}`, async () => {
      expect((await breaksOf(law)).slice(0, 10), `seed ${seed}`).toEqual([]);
    });
  }

  it("obeys: IPv4 and IPv6 twins agree", async () => {
    const random = new Random(seed);
    const model = ipv4Half(makeWorld(random, usualWorld));
    const twins = ipv6Twin(model);
    const twinTargets = new Map(targetsOf(twins).map((target) => [target.own.id, target]));
    await run.change(resolve(model, { host: "here" }));
    const asked = askWorld(random, targetsOf(model), ({ own }, question) => {
      const [twin, target] = [twinQuestion(question), twinTargets.get(own.id)];
      return twin !== null && target !== undefined && isForRules(target, twin);
    });
    await run.change(resolve(twins, { host: "here" }));
    const count = asked.reduce((sum, { questions }) => sum + questions.length, 0);
    for (const { target, questions, verdicts } of asked) {
      const own = requireInterface(twins, target.own.id);
      const twinQuestions = questions.flatMap((question) => twinQuestion(question) ?? []);
      expect(run.ask(own, twinQuestions), `seed ${seed}: ${own.id}`).toEqual(verdicts);
    }
    expect(count).toBeGreaterThan((usualWorld.interfaces * packets) / 3);
  });
});
