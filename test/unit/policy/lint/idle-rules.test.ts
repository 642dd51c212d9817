import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Interface, Model, Rule } from "../../../../src/model/model.ts";
import { evaluate } from "../../../../src/policy/evaluate.ts";
import { findIdleRules, type IdleRule } from "../../../../src/policy/lint/idle-rules.ts";
import { group, model, nic } from "../../../support/bed.ts";
import { seed } from "../../../support/seed.ts";
import { arbitraryLintModel, type BruteSide, listPackets, now, outcomeOf, playSide } from "./universe.ts";

const directions = ["egress", "ingress"] as const;
const nothing: ReadonlySet<Rule> = new Set();

/** A member of the group alone, for every kind of interface that there may be. */
function membersAlone(of: Model, id: string): Interface[] {
  const classic = of.networks.get("vpc-a")?.type === "classic";
  const types = classic ? (["intranet", "internet"] as const) : (["intranet"] as const);
  return types.map((nicType) =>
    nic(`alone-${nicType}`, { mac: "02:00:00:00:00:0f", addresses: [], groups: [id], nicType }),
  );
}

interface Brute {
  readonly real: readonly BruteSide[];
  readonly alone: ReadonlyMap<string, readonly BruteSide[]>;
}

function play(of: Model): Brute {
  const sides = (judged: Interface): BruteSide[] =>
    directions.map((direction) => playSide(of, judged, direction));
  return {
    real: [...of.interfaces.values()].flatMap(sides),
    alone: new Map([...of.groups.keys()].map((id) => [id, membersAlone(of, id).flatMap(sides)])),
  };
}

/** Is the rule ever the first that matches: of all groups, or of the enforcing ones where all together drop? */
function takesEffect(sides: readonly BruteSide[], rule: Rule): boolean {
  return sides.some((side) =>
    side.packets.some((packet) => {
      if (packet.matching[0]?.rule === rule) return true;
      const enforced = packet.matching.find(({ group: { mode } }) => mode === "enforce");
      const observes = side.groups.some(({ mode }) => mode === "observe");
      return observes && enforced?.rule === rule && outcomeOf(side, packet, nothing) !== "accept";
    }),
  );
}

function changes(sides: readonly BruteSide[], rule: Rule, gone: ReadonlySet<Rule> = nothing): boolean {
  const without = new Set([...gone, rule]);
  return sides.some((side) =>
    side.packets.some(
      (packet) =>
        packet.matching.some((one) => one.rule === rule) &&
        outcomeOf(side, packet, without) !== outcomeOf(side, packet, gone),
    ),
  );
}

function holdsRule(side: BruteSide, rule: Rule): boolean {
  return side.rules.some((one) => one.rule === rule);
}

/** What brute force says of a rule by itself. */
function judgeRule({ real, alone }: Brute, id: string, rule: Rule): Pick<IdleRule, "kind" | "scope"> | null {
  const here = real.filter((side) => holdsRule(side, rule));
  const own = alone.get(id) ?? [];
  const relevant = here.length > 0 ? here : own;
  if (changes(relevant, rule)) return null;
  const kind = takesEffect(relevant, rule) ? "redundant" : "shadowed";
  const anyMember = kind === "shadowed" ? !takesEffect(own, rule) : !changes(own, rule);
  return { kind, scope: anyMember ? "group" : "interfaces" };
}

describe("idle rules equal brute force", () => {
  it(`no false alarm, no miss, and all that is found can go together (seed ${seed})`, () => {
    const met = { shadowed: 0, redundant: 0, interfaces: 0, needed: 0, either: 0 };
    fc.assert(
      fc.property(arbitraryLintModel, (of) => {
        const brute = play(of);
        const { idle, complete } = findIdleRules(of, { now });
        expect(complete).toBe(true);
        const found = new Map(idle.map((one) => [one.rule, one]));
        const gone = new Set(found.keys());
        for (const { id, rules } of of.groups.values()) {
          for (const rule of rules) {
            if (rule.expires !== null && rule.expires <= now) continue;
            const said = found.get(rule);
            const right = judgeRule(brute, id, rule);
            if (said !== undefined) {
              expect(said.kind).toBe(right?.kind);
              // With others of the found gone a member alone may need it all the same.
              if (said.scope === "group" || said.kind === "shadowed") expect(said.scope).toBe(right?.scope);
              met[said.kind] += 1;
              if (said.scope === "interfaces") met.interfaces += 1;
            } else if (right === null) {
              met.needed += 1;
            } else {
              const here = brute.real.filter((side) => holdsRule(side, rule));
              expect(right.kind).toBe("redundant");
              expect(changes(here.length > 0 ? here : (brute.alone.get(id) ?? []), rule, gone)).toBe(true);
              met.either += 1;
            }
          }
        }
        for (const side of brute.real) {
          for (const packet of side.packets) {
            expect(outcomeOf(side, packet, gone)).toBe(outcomeOf(side, packet, nothing));
          }
        }
      }),
      { seed, numRuns: 400 },
    );
    expect(Math.min(...Object.values(met)), JSON.stringify(met)).toBeGreaterThan(0);
  });

  it(`the brute force is the oracle's (seed ${seed})`, () => {
    fc.assert(
      fc.property(arbitraryLintModel, fc.nat(), (of, pick) => {
        for (const judged of of.interfaces.values()) {
          for (const direction of directions) {
            const side = playSide(of, judged, direction);
            const packets = listPackets(of, direction);
            const index = pick % packets.length;
            const asked = packets[index];
            const packet = side.packets[index];
            if (asked === undefined || packet === undefined) throw new Error("a packet of the universe");
            const { verdict, reason } = evaluate(of, judged.id, direction, asked.question, asked.time);
            expect(outcomeOf(side, packet, nothing)).toBe(reason === "observed" ? reason : verdict);
          }
        }
      }),
      { seed, numRuns: 100 },
    );
  });
});

describe("idle rules", () => {
  const kinds = (of: Model): string[] =>
    findIdleRules(of, { now: 0 })
      .idle.map(({ group: { id }, rule, kind, scope }) => `${id} ${rule.index} ${kind} ${scope}`)
      .sort();
  const single = (rules: Parameters<typeof group>[1]): Model =>
    model({
      groups: [group("sg-t", rules)],
      interfaces: [nic("eni-1", { mac: "02:00:00:00:00:01", addresses: ["10.0.0.1"] })],
    });

  it("of two equal rules one changes nothing", () => {
    const twin = { protocol: "tcp", ports: "80/80", remote: "10.0.0.0/8" };
    expect(kinds(single({ rules: [twin, twin] }))).toEqual(["sg-t 1 shadowed group"]);
  });

  it("a rule covered by two halves of its prefix never takes effect", () => {
    const tcp = { protocol: "tcp", ports: "80/80" };
    const rules = [
      { ...tcp, remote: "0.0.0.0/1" },
      { ...tcp, remote: "128.0.0.0/1" },
      { ...tcp, remote: "0.0.0.0/0", priority: 2 },
    ];
    expect(kinds(single({ rules }))).toEqual(["sg-t 2 shadowed group"]);
  });

  it("a drop that only the default would follow changes nothing, unless members reach each other", () => {
    const drop = { policy: "drop" as const, protocol: "tcp", ports: "80/80", remote: "203.0.113.0/24" };
    expect(kinds(single({ rules: [drop] }))).toEqual(["sg-t 0 redundant group"]);
    const everywhere = [{ ...drop, remote: "0.0.0.0/0" }];
    expect(kinds(single({ rules: everywhere, innerAccess: "drop" }))).toEqual(["sg-t 0 redundant group"]);
    expect(kinds(single({ rules: everywhere }))).toEqual([]);
    expect(kinds(single({ rules: [{ ...drop, remote: "10.0.0.0/8" }] }))).toEqual([]);
  });

  it("where the search is given up nothing is said of the rules concerned", () => {
    const twin = { protocol: "tcp", ports: "80/80", remote: "10.0.0.0/8" };
    const of = single({ rules: [twin, twin] });
    expect(findIdleRules(of, { now: 0, combinations: 1 })).toMatchObject({ complete: false, idle: [] });
    expect(findIdleRules(of, { now: 0, combinations: 1000 })).toMatchObject({ complete: true });
  });

  it("a thousand rules are searched in seconds of work", () => {
    const rules = Array.from({ length: 1000 }, (_, index) => ({
      protocol: index % 3 === 0 ? "udp" : "tcp",
      policy: index % 7 === 0 ? ("drop" as const) : ("accept" as const),
      ports: `${1 + ((index * 37) % 900)}/${1000 + ((index * 61) % 900)}`,
      remote: `10.${index % 200}.${(index * 13) % 256}.0/${16 + (index % 9)}`,
      priority: 1 + (index % 100),
    }));
    const { complete, idle } = findIdleRules(single({ rules }), { now: 0 });
    expect(complete).toBe(true);
    expect(idle.length).toBeGreaterThan(0);
  });
});
