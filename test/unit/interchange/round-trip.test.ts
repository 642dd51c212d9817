/** Export, then import: the same group where the format can say it all, and never a wider one where it cannot. */

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { SourceFormat } from "../../../src/interchange/detect.ts";
import { exportGroups, type TargetFormat } from "../../../src/interchange/export.ts";
import { isPartial, isRefused } from "../../../src/interchange/finding.ts";
import { formatPrefix } from "../../../src/model/cidr.ts";
import type { Group, Model, PrefixList, Rule } from "../../../src/model/model.ts";
import { arbitraryModel } from "../../support/arbitrary-model.ts";
import { prefixList } from "../../support/bed.ts";
import { anyPacket, instances, judge } from "../../support/foreign.ts";
import { importText, modelOf } from "../../support/import-target.ts";
import { seed } from "../../support/seed.ts";

const others = ["sg-vpc-a-2", "sg-vpc-a-3"];

/** A group of the models that all tests share, with every feature of a VPC's rules, as far as a file may say it. */
const anyGroup: fc.Arbitrary<Group> = fc
  .tuple(
    arbitraryModel(2_000_000_000),
    fc.constantFrom("sg-vpc-a-1", "sg-vpc-a-1", "sg-vpc-a-1", "sg-vpc-a-adv"),
  )
  .map(([model, id]) => required(model, id))
  .map((group) => ({ ...group, rules: group.rules.filter(isLegal) }));

/** The shared generator mixes families in one rule, which no file may. */
function isLegal({ protocol, local, remote }: Rule): boolean {
  if (local === null) return true;
  const families = [local.family, remote.kind === "prefix" ? remote.prefix.family : local.family];
  if (protocol === "icmp") families.push(4);
  if (protocol === "icmpv6") families.push(6);
  return new Set(families).size === 1;
}

function required(model: Model, id: string): Group {
  const found = model.groups.get(id);
  if (found === undefined) throw new Error(`the model has no ${id}`);
  return found;
}

/** The nearest rule that the format can say, by its own documentation; null: none is near. */
const sayable: Readonly<Record<TargetFormat, (rule: Rule) => Rule | null>> = {
  yaml: (rule) => rule,
  json: (rule) => rule,
  "alibaba-json": toAlibabas,
  "alibaba-csv": toAlibabas,
  aws: toAccept,
  openstack: (rule) => (rule.remote.kind === "prefix-list" ? null : toAccept(rule)),
};

function toAlibabas(rule: Rule): Rule | null {
  return typeof rule.protocol === "number"
    ? null
    : { ...rule, expires: null, icmpType: null, icmpCode: null };
}

function toAccept(rule: Rule): Rule {
  return { ...rule, policy: "accept", expires: null, sourcePorts: null, local: null };
}

/** Rules without place and index; those of a format without order or priority in an order of their own. */
function contentOf({ rules }: Group, format: TargetFormat): readonly unknown[] {
  const keeps = format !== "aws" && format !== "openstack";
  const plain = rules.map(({ place: _, index: __, priority, ...rest }) => ({
    ...rest,
    priority: keeps ? priority : null,
    remote: JSON.stringify(rest.remote, (___, value: unknown) =>
      typeof value === "bigint" ? String(value) : value,
    ),
  }));
  if (keeps) return plain;
  const key = (rule: (typeof plain)[number]): string =>
    JSON.stringify(Object.entries(rule).sort(), (___, value: unknown) =>
      typeof value === "bigint" ? String(value) : value,
    );
  return [...new Map(plain.map((rule) => [key(rule), rule])).entries()].sort().map(([, rule]) => rule);
}

const closed = { innerAccess: "drop", defaultEgress: "drop" } as const;

/** The settings of a group that a format can say; the test gives it those and compares the others. */
const settings: Readonly<Record<TargetFormat, Partial<Group>>> = {
  yaml: {},
  json: {},
  "alibaba-json": { defaultEgress: "accept", mode: "enforce" },
  "alibaba-csv": { innerAccess: "drop", defaultEgress: "accept", mode: "enforce", type: "basic" },
  aws: { ...closed, mode: "enforce", type: "basic", name: "web" },
  openstack: { ...closed, mode: "enforce", type: "basic" },
};

const lists: readonly PrefixList[] = [
  prefixList("pl-4", 4, ["198.51.100.0/25", "10.0.0.12/32", "198.51.100.0/25"]),
  prefixList("pl-6", 6, ["2001:db8:ffff::/64", "2001:db8::12/128"]),
  prefixList("pl-empty", 4, []),
];
const listsById = new Map(lists.map((list) => [list.id, list]));
const plainLists = Object.fromEntries(
  lists.map(({ id, family, entries }) => [
    id,
    { family: `ipv${family}`, entries: entries.map(({ prefix }) => ({ cidr: formatPrefix(prefix) })) },
  ]),
);

/** The import in a model in which `eni-1` is of it and `eni-2` of one of the others. */
function worldOf(groups: readonly string[]) {
  const empty = { type: "basic", network: "vpc-a", rules: [] };
  return {
    prefixLists: plainLists,
    groups: Object.fromEntries(others.map((id) => [id, empty])),
    instances: instances(groups, ["sg-vpc-a-2"]),
  };
}

const sources: Readonly<Record<TargetFormat, SourceFormat>> = {
  yaml: "ringwall",
  json: "ringwall",
  "alibaba-json": "alibaba",
  "alibaba-csv": "alibaba",
  aws: "aws",
  openstack: "openstack",
};

function importBack(text: string, format: TargetFormat, group: Group) {
  return importText(
    text,
    {
      groups: new Set(others),
      prefixLists: new Set(listsById.keys()),
      name: group.id,
    },
    { name: "exported", format: sources[format] },
  );
}

describe.each(Object.keys(sayable) as TargetFormat[])("export to %s, and import", (format) => {
  it(`give the same group where the format says all of it (seed ${seed})`, () => {
    let rules = 0;
    fc.assert(
      fc.property(anyGroup, (group) => {
        const said: Group = {
          ...group,
          ...settings[format],
          rules: group.rules.flatMap((rule) => sayable[format](rule) ?? []),
        };
        const { text, findings } = exportGroups([said], format, listsById);
        expect(findings.filter(({ effect }) => effect !== "note")).toEqual([]);
        const back = importBack(text, format, said);
        expect(back.findings.filter(({ effect }) => effect !== "note")).toEqual([]);
        const world =
          said.type === "advanced" ? { ...worldOf([said.id]), instances: {} } : worldOf([said.id]);
        const read = required(modelOf(back, world), said.id);
        expect(contentOf(read, format)).toEqual(contentOf(said, format));
        const { rules: _, place: __, tags: ___, ...head } = said;
        expect(read).toMatchObject(head);
        rules += said.rules.length;
      }),
      { seed, numRuns: 120 },
    );
    expect(rules).toBeGreaterThan(200);
  });

  it(`never give a wider group, whatever it says (seed ${seed})`, () => {
    const reached = { refused: 0, partial: 0, whole: 0, accept: 0, drop: 0 };
    const packets = fc.array(anyPacket, { minLength: 30, maxLength: 30 });
    // Few rules and mostly accepts, so that not every group is refused for a drop.
    const few = anyGroup.map((group): Group => {
      const rules = group.rules.filter(({ policy }, at) => policy === "accept" || at % 5 === 0);
      return { ...group, mode: "enforce", rules };
    });
    fc.assert(
      fc.property(few, packets, (group, asked) => {
        const { text, findings } = exportGroups([group], format, listsById);
        if (isRefused(findings)) {
          reached.refused += 1;
          return;
        }
        const back = importBack(text, format, group);
        expect(isRefused(back.findings)).toBe(false);
        const whole = !isPartial(findings) && !isPartial(back.findings) && format !== "alibaba-csv";
        reached[whole ? "whole" : "partial"] += 1;
        if (group.type === "advanced") return;
        const world = worldOf([group.id]);
        const native = exportGroups([group], "json", listsById).text;
        const before = modelOf(importBack(native, "json", group), world);
        const after = modelOf(back, world);
        for (const packet of asked) {
          const verdict = judge(after, packet);
          reached[verdict] += 1;
          const was = judge(before, packet);
          if (whole || verdict === "accept") expect({ packet, verdict }).toEqual({ packet, verdict: was });
        }
      }),
      { seed, numRuns: 150 },
    );
    const everything = format === "yaml" || format === "json";
    const absent = everything ? ["refused", "partial"] : format === "alibaba-csv" ? ["whole"] : [];
    for (const [what, count] of Object.entries(reached))
      expect({ what, reached: count > 0 }).toEqual({ what, reached: !absent.includes(what) });
  });
});
