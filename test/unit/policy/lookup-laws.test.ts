import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Interface, Model, Rule } from "../../../src/model/model.ts";
import { seed } from "../../support/seed.ts";
import { arbitraryModel, arbitraryPacket, arbitraryRule } from "./compile-arbitrary.ts";
import { model } from "./compile-fixture.ts";
import { createJudge, firstInterface } from "./compile-judge.ts";

console.log(`lookup-laws.test.ts: RINGWALL_SEED=${seed}`);

describe("a compiled policy", () => {
  it("does not hear the order of rules of equal rank, nor the names of groups", () => {
    fc.assert(
      fc.property(
        arbitraryModel,
        fc.array(arbitraryPacket, { minLength: 30 }),
        fc.nat(),
        (subject, packets, turn) => {
          const asked = firstInterface(subject);
          const ask = createJudge(subject);
          const askChanged = createJudge(renameGroups(rotateRules(subject, turn)));
          for (const each of packets) {
            const { rule: _, ...verdict } = ask(asked, each);
            const { rule: __, ...changed } = askChanged(asked, each);
            expect(changed).toEqual(verdict);
          }
        },
      ),
      { seed, numRuns: 60 },
    );
  });

  it("never drops what it accepted when an accept is added", () => {
    let accepts = 0;
    fc.assert(
      fc.property(
        arbitraryModel,
        arbitraryRule,
        fc.array(arbitraryPacket, { minLength: 30 }),
        (subject, extra, packets) => {
          const asked = firstInterface(subject);
          const ask = createJudge(subject);
          const askChanged = createJudge(addRule(subject, asked, { ...extra, policy: "accept" }));
          for (const each of packets.filter((one) => ask(asked, one).verdict === "accept")) {
            accepts += 1;
            expect(askChanged(asked, each).verdict).toBe("accept");
          }
        },
      ),
      { seed, numRuns: 60 },
    );
    expect(accepts).toBeGreaterThan(100);
  });
});

/** The same groups under names that sort the other way round. */
function renameGroups(subject: Model): Model {
  const names = new Map([
    ["sg-0", "sg-z"],
    ["sg-1", "sg-y"],
    ["sg-2", "sg-x"],
  ]);
  const rename = (id: string) => names.get(id) ?? id;
  const groups = [...subject.groups.values()].map((each) => {
    const rules = each.rules.map((one) =>
      one.remote.kind === "group"
        ? { ...one, remote: { kind: "group" as const, group: rename(one.remote.group) } }
        : one,
    );
    return { ...each, id: rename(each.id), rules };
  });
  const interfaces = [...subject.interfaces.values()].map((each) => ({
    ...each,
    groups: each.groups.map(rename),
  }));
  return model({
    networks: [...subject.networks.values()],
    prefixLists: [...subject.prefixLists.values()],
    groups,
    interfaces,
  });
}

/** The same rules in another order in their groups. */
function rotateRules(subject: Model, turn: number): Model {
  const groups = [...subject.groups.values()].map((each) => {
    const cut = each.rules.length === 0 ? 0 : turn % each.rules.length;
    const rules = [...each.rules.slice(cut), ...each.rules.slice(0, cut)].reverse();
    return [each.id, { ...each, rules: rules.map((one, index) => ({ ...one, index })) }] as const;
  });
  return { ...subject, groups: new Map(groups) };
}

function addRule(subject: Model, to: Interface, extra: Rule): Model {
  const [id = ""] = to.groups;
  const groups = new Map(subject.groups);
  const target = groups.get(id);
  if (target === undefined) {
    throw new Error(`no group ${id}`);
  }
  groups.set(id, { ...target, rules: [...target.rules, { ...extra, index: target.rules.length }] });
  return { ...subject, groups };
}
