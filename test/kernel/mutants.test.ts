import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { encodePolicy } from "../../src/kernel/policy-entries.ts";
import { proveHeld } from "../../src/kernel/proof.ts";
import { readPolicy } from "../../src/kernel/read-policy.ts";
import { readState } from "../../src/kernel/readback.ts";
import { Undo, writePolicy } from "../../src/kernel/write.ts";
import { compile } from "../../src/policy/compile.ts";
import { resolve } from "../../src/policy/resolve.ts";
import type { CompiledPolicy, Resolved } from "../../src/policy/types.ts";
import { seed } from "../support/seed.ts";
import { arbitraryModel } from "../unit/policy/compile-arbitrary.ts";
import { type Compiler, compilerMutants, mutantSubject } from "../unit/policy/compiler-mutants.ts";
import { EngineBed } from "./engine-bed.ts";
import { asked, subject } from "./verify-subject.ts";

console.log(`mutants.test.ts: RINGWALL_SEED=${seed}`);

let bed: EngineBed;
beforeAll(async () => {
  bed = await EngineBed.open();
});
afterAll(() => bed.close());

/** The policy of eni-1 by the mutant, all others as they should be. */
const compileWith =
  (mutant: Compiler) =>
  (resolved: Resolved): ReadonlyMap<bigint, CompiledPolicy> => {
    const key = resolved.interfaces[0]?.policy;
    const choose = (each: bigint) => (each === key ? mutant : compile);
    return new Map(
      [...resolved.policies].map(([each, source]) => [each, choose(each)(source, resolved.identities)]),
    );
  };

describe("a compiler with a mistake", () => {
  it.each(compilerMutants)(
    "is refused on read-back, its place named: %s",
    async (_name, mutant, expected) => {
      await bed.apply(subject);
      await bed.engine.settle();
      const verdicts = await asked(bed);
      const before = await readState(bed.maps);
      const refusal = await bed.apply(mutantSubject, compileWith(mutant)).then(
        () => null,
        (error: unknown) => error,
      );
      expect(refusal).toMatchObject({
        code: "UNPROVEN",
        message: expect.stringMatching(/the policy of sg-a, sg-b \(vpc-a, intranet\): /),
      });
      expect(refusal).toMatchObject({ message: expect.stringMatching(expected) });
      expect(await readState(bed.maps)).toEqual(before);
      expect(await asked(bed)).toEqual(verdicts);
    },
  );

  it("is not seen in one without", async () => {
    await bed.apply(mutantSubject);
    const { refused } = bed.engine.proofStatus.policies;
    expect(refused).toBe(compilerMutants.length);
    await bed.apply(subject);
  });
});

describe("the proof on what the kernel holds", () => {
  it("finds nothing wrong with what the compiler made of 1,000 models", () => {
    let policies = 0;
    fc.assert(
      fc.property(arbitraryModel, (model) => {
        const resolved = resolve(model, { host: "kvm-1" });
        for (const source of resolved.policies.values()) {
          const undo = new Undo();
          // Places behind what the subject has; nothing names them.
          const places = { cells: 500_000, words: 1_000_000 };
          const encoded = encodePolicy(compile(source, resolved.identities), 9000, places);
          try {
            writePolicy(bed.maps, encoded, undo);
            const held = readPolicy(bed.maps, 9000, encoded.stored);
            expect(proveHeld(source, resolved.identities, held)).toBeNull();
            policies++;
          } finally {
            undo.run();
          }
        }
      }),
      { seed, numRuns: 1000 },
    );
    expect(policies).toBeGreaterThan(1000);
  });
});
