import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { wholeTextMax } from "../../../src/model/yaml/pieces.ts";
import { RulesEditor, type Section, sections } from "../../../src/store/edit.ts";
import { Random } from "../../support/random.ts";
import { seed } from "../../support/seed.ts";
import {
  makeGroup,
  makeInterface,
  makeRule,
  makeRules,
  type Plain,
  type PlainMap,
  type Rules,
  writeByHand,
} from "./hand-written.ts";

console.log(`edit-random.test.ts: RINGWALL_SEED=${seed}`);
const runs = 1200;

/** What an edit may take away: the parts, by path, whose comments go with them. */
type Gone = string[];

/** One random edit, made by the editor and on the mirror alike; undefined where there is nothing to edit. */
type Edit = (editor: RulesEditor, mirror: Rules, random: Random) => Gone | undefined;

const newEntries: Readonly<Record<Section, (random: Random) => PlainMap>> = {
  networks: () => ({ type: "classic" }),
  prefixLists: () => ({ family: "ipv6", entries: [{ cidr: "2001:db8::/32", description: "a, b" }] }),
  groups: makeGroup,
  instances: (random) => ({ interfaces: { "eni-new": makeInterface(random) } }),
};

function pickEntry(mirror: Rules, random: Random, wanted?: Section): [Section, string, PlainMap] | undefined {
  const all = sections
    .filter((section) => wanted === undefined || section === wanted)
    .flatMap((section) =>
      Object.entries(mirror[section] ?? {}).map(
        ([id, entry]) => [section, id, entry] as [Section, string, PlainMap],
      ),
    );
  return all.length === 0 ? undefined : random.pick(all);
}

function pickRule(mirror: Rules, random: Random): [string, PlainMap[], number] | undefined {
  const found = pickEntry(mirror, random, "groups");
  const rules = found?.[2].rules;
  if (found === undefined || !Array.isArray(rules) || rules.length === 0) return undefined;
  return [found[1], rules as PlainMap[], random.below(rules.length)];
}

/** Numbers of items behind one that goes are not what they were: comments are told by the whole list then. */
const edits: Readonly<Record<string, Edit>> = {
  "add an entry": (editor, mirror, random) => {
    const section = random.pick(sections);
    const id = `new-${random.below(1_000_000)}`;
    const entry = newEntries[section](random);
    editor.setEntry(section, id, entry);
    const entries = mirror[section] ?? {};
    entries[id] = structuredClone(entry);
    mirror[section] = entries;
    return [];
  },
  "replace an entry by the same with one rule more": (editor, mirror, random) => {
    const found = pickEntry(mirror, random, "groups");
    if (found === undefined) return undefined;
    const [, id, entry] = found;
    const rules = (entry.rules ?? []) as Plain[];
    entry.rules = [...rules.slice(0, 1), { ...makeRule(random), id: "put-in" }, ...rules.slice(1)];
    editor.setEntry("groups", id, structuredClone(entry));
    return [];
  },
  "delete an entry": (editor, mirror, random) => {
    const found = pickEntry(mirror, random);
    if (found === undefined) return undefined;
    const [section, id] = found;
    editor.deleteEntry(section, id);
    delete mirror[section]?.[id];
    return [`${section}/${id}/`];
  },
  "add a rule": (editor, mirror, random) => {
    const found = pickEntry(mirror, random, "groups");
    if (found === undefined) return undefined;
    const [, id, entry] = found;
    const rule = makeRule(random);
    editor.addItem("groups", id, ["rules"], rule);
    entry.rules = [...((entry.rules ?? []) as Plain[]), structuredClone(rule)];
    return [];
  },
  "remove a rule": (editor, mirror, random) => {
    const found = pickRule(mirror, random);
    if (found === undefined) return undefined;
    const [id, rules, place] = found;
    editor.deleteValue("groups", id, ["rules", place]);
    rules.splice(place, 1);
    return [`groups/${id}/rules/`];
  },
  "set a rule's key": (editor, mirror, random) => {
    const found = pickRule(mirror, random);
    if (found === undefined) return undefined;
    const [id, rules, place] = found;
    const key = random.pick(["priority", "remote", "description", "policy", "local"]);
    const value =
      key === "priority" ? random.between(1, 100) : random.pick(["x", "a: b", "sg-other", "it's"]);
    editor.setValue("groups", id, ["rules", place, key], value);
    const rule = rules[place];
    if (rule !== undefined) rule[key] = value;
    return [];
  },
  "take a rule's key away": (editor, mirror, random) => {
    const found = pickRule(mirror, random);
    if (found === undefined) return undefined;
    const [id, rules, place] = found;
    const rule = rules[place] ?? {};
    const key = random.pick(Object.keys(rule));
    editor.deleteValue("groups", id, ["rules", place, key]);
    delete rule[key];
    return [`groups/${id}/rules/`];
  },
  "set an interface's groups": (editor, mirror, random) => {
    const found = pickEntry(mirror, random, "instances");
    const interfaces = found?.[2].interfaces as { [id: string]: PlainMap } | undefined;
    if (found === undefined || interfaces === undefined || Object.keys(interfaces).length === 0)
      return undefined;
    const id = random.pick(Object.keys(interfaces));
    const groups = random.some(["sg-0", "sg-1", "sg-9"], random.below(4));
    editor.setValue("instances", found[1], ["interfaces", id, "groups"], groups);
    const own = interfaces[id];
    if (own !== undefined) own.groups = groups;
    return [`instances/${found[1]}/interfaces/${id}/groups/`];
  },
};

/** An alias hides nothing; a section that is empty says what one that is missing says. */
function readMirror(text: string): unknown {
  const { version, ...rest } = parse(text, { version: "1.2" }) as Record<string, unknown>;
  expect(version).toBe(1);
  return withoutEmpty(rest);
}

function withoutEmpty(rules: Record<string, unknown>): unknown {
  return Object.fromEntries(
    Object.entries(rules).filter(([, entries]) => Object.keys(entries ?? {}).length > 0),
  );
}

function runOne(run: number, reached: Map<string, number>, padding = ""): void {
  const random = new Random(seed * 10_007 + run);
  const mirror = makeRules(random);
  const { text: own, comments } = writeByHand(mirror, random);
  const text = own.replace(
    /^\uFEFF?/,
    (mark) => mark + (own.includes("\r\n") ? padding.replaceAll("\n", "\r\n") : padding),
  );
  expect(readMirror(text)).toEqual(withoutEmpty(mirror));
  const editor = RulesEditor.open([{ path: "rules.yaml", text }], "rules.yaml");
  const gone: Gone = [];
  for (let edit = random.below(4); edit > 0; edit -= 1) {
    const name = random.pick(Object.keys(edits));
    const taken = edits[name]?.(editor, mirror, random);
    if (taken === undefined) continue;
    reached.set(name, (reached.get(name) ?? 0) + 1);
    gone.push(...taken);
  }
  const after = editor.finish().files[0]?.text ?? "";
  expect(readMirror(after)).toEqual(withoutEmpty(mirror));
  for (const [comment, owner] of comments) {
    const mayGo = gone.some((path) => owner.startsWith(path));
    if (!mayGo && !after.includes(comment))
      throw new Error(
        `the comment ${comment} of ${owner} is gone:\n${own}\n=>\n${after.slice(padding.length)}`,
      );
  }
  if (text.includes("\r\n")) expect(after.replaceAll("\r\n", "")).not.toContain("\n");
  expect(after.startsWith("\uFEFF")).toBe(text.startsWith("\uFEFF"));
  if (gone.length === 0) expectLinesKept(text, after);
}

/** What is only added to takes no line away but those that are changed, and those of an alias that is written out. */
function expectLinesKept(before: string, after: string): void {
  const kept = new Set(after.split(/\r?\n/));
  const lost = before.split(/\r?\n/).filter((line) => !kept.has(line) && !/[*&]a\d/.test(line));
  expect(lost.length).toBeLessThanOrEqual(6);
}

describe("random edits of files by every hand", () => {
  it(`change what is meant, and no comment, line end or value beside (seed ${seed})`, () => {
    const reached = new Map<string, number>();
    for (let run = 0; run < runs; run += 1) {
      try {
        runOne(run, reached);
      } catch (error) {
        throw new Error(`run ${run} of seed ${seed}`, { cause: error });
      }
    }
    console.log([...reached].map(([name, count]) => `${name}: ${count}`).join(", "));
    expect([...reached.keys()].sort()).toEqual(Object.keys(edits).sort());
  });

  it(`do so in large files, whose entries are read when they are changed (seed ${seed})`, () => {
    const padding = `# ${"much to say ".repeat(20)}\n`.repeat(1200);
    expect(padding.length).toBeGreaterThan(wholeTextMax);
    const reached = new Map<string, number>();
    for (let run = 0; run < runs / 8; run += 1) runOne(run, reached, padding);
    expect([...reached.keys()].sort()).toEqual(Object.keys(edits).sort());
  });

  it(`that set what is there leave every byte (seed ${seed})`, () => {
    for (let run = 0; run < runs / 3; run += 1) {
      const random = new Random(seed * 20_011 + run);
      const { text } = writeByHand(makeRules(random), random);
      const editor = RulesEditor.open([{ path: "rules.yaml", text }], "rules.yaml");
      for (const section of sections)
        for (const id of editor.ids(section)) editor.setEntry(section, id, editor.entry(section, id) ?? null);
      expect(editor.finish()).toEqual({ files: [{ path: "rules.yaml", text }], changes: [] });
    }
  });
});
