import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { compile } from "../../../src/policy/compile.ts";
import { prove } from "../../../src/policy/prove.ts";
import { resolve } from "../../../src/policy/resolve.ts";
import type { CompiledPolicy } from "../../../src/policy/types.ts";
import { seed } from "../../support/seed.ts";
import { arbitraryModel } from "./compile-arbitrary.ts";
import { group, iface, model, remote, tcp } from "./compile-fixture.ts";
import { createSubject, flipWord, mutations } from "./prove-mutations.ts";

console.log(`prove.test.ts: RINGWALL_SEED=${seed}`);

describe("prove", () => {
  it("finds nothing wrong with what the compiler made, for any model", () => {
    let policies = 0;
    fc.assert(
      fc.property(arbitraryModel, (subject) => {
        const resolved = resolve(subject, { host: "kvm-1" });
        for (const source of resolved.policies.values()) {
          policies += 1;
          expect(prove(source, resolved.identities, compile(source, resolved.identities))).toBeNull();
        }
      }),
      { seed, numRuns: 200 },
    );
    expect(policies).toBeGreaterThan(200);
  });

  it("does not hear the order in which entries were read back", () => {
    const { resolved, source, compiled } = createSubject();
    const prefixes = [...compiled.prefixes].reverse();
    const groups = [...compiled.groups].reverse();
    expect(prove(source, resolved.identities, { ...compiled, prefixes, groups })).toBeNull();
  });

  it("tells prefixes that touch from prefixes that cover, and IPv6 that differs in its lower half", () => {
    const texts = [
      ["0.0.0.0/0", "10.0.1.0/24", "10.0.2.0/23", "10.0.1.255/32", "10.0.4.0/32", "255.255.255.255/32"],
      ["2001:db8:0:1::/64", "2001:db8:0:2::/63", "2001:db8::1/128", "2001:db8::2/127", "2001:db8::/32"],
    ].flat();
    const rules = texts.map((text, index) => tcp(80 + index, 80 + index, { remote: remote(text) }));
    const members = [iface(1, ["sg-a"], ["10.9.0.1"])];
    const resolved = resolve(model({ groups: [group("sg-a", rules)], interfaces: members }), {
      host: "kvm-1",
    });
    const [source] = resolved.policies.values();
    if (source === undefined) throw new Error("eni-1 has no policy");
    const compiled = compile(source, resolved.identities);
    expect(prove(source, resolved.identities, compiled)).toBeNull();
    for (const left of compiled.prefixes) {
      const prefixes = compiled.prefixes.filter((entry) => entry !== left);
      expect(prove(source, resolved.identities, { ...compiled, prefixes })).not.toBeNull();
    }
  });

  it.each(mutations)("refuses %s", (_name, mutate) => {
    const { resolved, source, compiled } = createSubject();
    expect(prove(source, resolved.identities, compiled)).toBeNull();
    expect(prove(source, resolved.identities, mutate(compiled, source))).not.toBeNull();
  });

  it("refuses a bit flipped in any word that the kernel reads", () => {
    const { resolved, source, compiled } = createSubject();
    const survivors: string[] = [];
    const read = collectReadWords(compiled);
    for (const place of read) {
      for (const bit of [0n, 31n, 32n, 63n]) {
        const changed = flipWord(() => place, bit)(compiled, source);
        if (prove(source, resolved.identities, changed) === null) {
          survivors.push(`word ${place} bit ${bit}`);
        }
      }
    }
    expect(survivors).toEqual([]);
    expect(read.size).toBeGreaterThan(100);
  });

  it("names the side, the dimension, the place and the rule", () => {
    const { resolved, source, compiled } = createSubject();
    const failure = prove(
      source,
      resolved.identities,
      flipWord(({ sides }) => sides.ingress.acceptsBase, 0n)(compiled, source),
    );
    expect(failure).toEqual({
      direction: "ingress",
      part: "fixed",
      rule: 0,
      message: "ingress fixed: the mask of accepts has rule 0 unset, but it matches",
    });
  });

  it("proves another policy's compilation wrong", () => {
    const { resolved, source } = createSubject();
    const [, other] = resolved.policies.values();
    if (other === undefined) {
      throw new Error("the subject has one policy only");
    }
    expect(prove(source, resolved.identities, compile(other, resolved.identities))).not.toBeNull();
  });
});

/** Masks, and what summaries name: zero words amid a run are stored, but never read. */
function collectReadWords(compiled: CompiledPolicy): Set<number> {
  const sides = Object.values(compiled.sides);
  const cells = sides.flatMap((side) => [...side.service, ...side.sourcePort, ...side.expires]);
  const read = new Set<number>();
  for (const { bits } of [...cells, ...compiled.prefixes, ...compiled.groups]) {
    for (let word = 0; word < 64; word++) {
      if ((bits.summary >> BigInt(word)) & 1n) {
        read.add(bits.base + word);
      }
    }
  }
  for (const side of sides) {
    for (let word = 0; word < Math.ceil(side.rules / 64); word++) {
      read.add(side.acceptsBase + word);
    }
    for (let word = 0; word < side.enforcedWords; word++) {
      read.add(side.enforcedBase + word);
    }
  }
  return read;
}
