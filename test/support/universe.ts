/**
 * Tiny universes: so few rules and packets that every set of up to three rules meets every packet. A rule set
 * fills one direction of an interface, another one the other, so that neither may leak into the other.
 *
 * What is left out, and why nothing is lost: the order of rules in a group (resolve sorts them, and the laws hold
 * it against all orders); which of the two groups holds a rule, where both enforce (it only names the rule; the
 * universe of modes puts each rule into both).
 */
import type { Direction, Group, Interface, Model, Rule } from "../../src/model/model.ts";
import { address, group, model, network, nic, type RuleText, rule } from "./bed.ts";
import type { WorldQuestion } from "./world-questions.ts";

export interface Universe {
  readonly name: string;
  /** A group as remote is "sg-1" or "sg-2". Directions are the sets'. */
  readonly rules: readonly RuleText[];
  /** Of a set. */
  readonly most: 1 | 2 | 3;
  readonly questions: readonly Omit<WorldQuestion, "direction">[];
  /** Of both groups, by turns. */
  readonly frames: readonly Frame[];
}

/** What of the two groups is not their rules. */
export type Frame = readonly [GroupFrame, GroupFrame];
type GroupFrame = Partial<Pick<Group, "mode" | "innerAccess" | "defaultEgress">>;

/** One set of rules in each direction, by places in the universe's list, and a frame. */
export interface RuleSet {
  readonly egress: readonly number[];
  readonly ingress: readonly number[];
  readonly frame: Frame;
}

/** All sets of up to `most` of `count` things. */
function subsets(count: number, most: number): number[][] {
  const all: number[][] = [[]];
  const extend = (set: readonly number[], from: number): void => {
    for (let next = from; next < count; next++) {
      const larger = [...set, next];
      all.push(larger);
      if (larger.length < most) extend(larger, next + 1);
    }
  };
  if (most > 0) extend([], 0);
  return all;
}

/** Every rule set under every frame; the other direction's set is one from elsewhere in the list. */
export function ruleSetsOf({ rules, most, frames }: Universe): readonly RuleSet[] {
  const sets = subsets(rules.length, most);
  const shift = Math.floor(sets.length / 2) + 1;
  return frames.flatMap((frame) =>
    sets.map((ingress, place) => ({ ingress, egress: sets[(place + shift) % sets.length] ?? [], frame })),
  );
}

/** "10.0.0.1" is the interface asked; a member of the first group, one of the second, and a stranger. */
export const ends = {
  4: ["10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4"].map(address),
  6: ["2001:db8::1", "2001:db8::2", "2001:db8::3", "2001:db8::4"].map(address),
} as const;

/** Parity of the place's bits: rules that differ in one choice stand in different groups. */
function halfOf(place: number): 0 | 1 {
  return place === 0 ? 0 : ((halfOf(place >> 1) ^ (place & 1)) as 0 | 1);
}

function placeRules(universe: Universe, sets: RuleSet, at: number, half: 0 | 1): Rule[] {
  const directions: readonly Direction[] = ["egress", "ingress"];
  return directions.flatMap((direction) =>
    sets[direction]
      .filter((place) => halfOf(place) === half)
      .map((place) => ({ ...universe.rules[place], direction }) as RuleText)
      .map((text) =>
        rule(text.remote.startsWith("sg-") ? { ...text, remote: `${text.remote}-${at}` } : text),
      ),
  );
}

function groupsAt(universe: Universe, sets: RuleSet, at: number): Group[] {
  return ([0, 1] as const).map((half) => {
    const rules = placeRules(universe, sets, at, half).map((one, index) => ({ ...one, index }));
    return { ...group(`sg-${half + 1}-${at}`, { network: `net-${at}`, ...sets.frame[half] }), rules };
  });
}

function interfacesAt(at: number): Interface[] {
  const interfaceOf = (number: number, groups: readonly string[]): Interface =>
    nic(`eni-${at}-${number}`, {
      mac: `02:00:00:00:01:0${number}`,
      addresses: [`10.0.0.${number}`, `2001:db8::${number}`],
      network: `net-${at}`,
      groups: groups.map((id) => `${id}-${at}`),
      antiSpoofing: false,
      hosts: number === 1 ? [] : ["elsewhere"],
    });
  return [interfaceOf(1, ["sg-1", "sg-2"]), interfaceOf(2, ["sg-1"]), interfaceOf(3, ["sg-2"])];
}

/** The interface that is asked under the rule set of this place. */
export function askedId(at: number): string {
  return `eni-${at}-1`;
}

/** One network for each rule set, all alike but for the rules. */
export function universeModel(universe: Universe, sets: readonly RuleSet[]): Model {
  return model({
    networks: sets.map((_, at) => network(`net-${at}`)),
    groups: sets.flatMap((set, at) => groupsAt(universe, set, at)),
    interfaces: sets.flatMap((_, at) => interfacesAt(at)),
  });
}

/** Every question of a universe in both directions. */
export function questionsOf({ questions }: Universe): readonly WorldQuestion[] {
  return questions.flatMap((question) => [
    { ...question, direction: "egress" as const },
    { ...question, direction: "ingress" as const },
  ]);
}
