/** Rules files as many hands write them: every style, with comments wherever one may stand. */
import type { PlainValue } from "../../../src/store/edit.ts";
import type { Random } from "../../support/random.ts";

export type Plain = string | number | boolean | Plain[] | { [key: string]: Plain };
export type PlainMap = { [key: string]: Plain };

/** What a file says, as the editor's sections. */
export type Rules = { [section: string]: { [id: string]: PlainMap } };

const texts = [
  "tcp",
  "0.0.0.0/0",
  "2001:db8::/32",
  "sg-web",
  "-1/-1",
  "80/80",
  "a: b",
  "it's",
  "",
  "yes",
  "1.5",
  "#5",
  "x # y",
  "[a]",
  "null",
  "Zürich, HQ",
  "~",
  "- a",
  'say "so"',
];

export function makeRule(random: Random): PlainMap {
  const rule: PlainMap = { direction: random.pick(["ingress", "egress"]), remote: random.pick(texts) };
  if (random.once(2)) rule.id = `r${random.below(1000)}`;
  if (random.once(2)) rule.priority = random.between(1, 100);
  if (random.once(3)) rule.template = true;
  if (random.once(3)) rule.description = random.pick(texts);
  return rule;
}

export function makeGroup(random: Random): PlainMap {
  const group: PlainMap = { type: random.pick(["basic", "advanced"]), network: random.pick(["n1", "n2"]) };
  if (!random.once(5)) group.rules = makeList(random, 4, makeRule);
  if (random.once(4))
    group.tags = { owner: random.pick(texts), "101": "number", __proto: random.pick(texts) };
  if (random.once(4)) group.description = random.pick(texts);
  return group;
}

export function makeInterface(random: Random): PlainMap {
  return {
    device: `tap${random.below(100)}`,
    network: random.pick(["n1", "n2"]),
    mac: "02:00:00:00:01:02",
    addresses: makeList(random, 2, () => random.pick(["10.0.0.1", "2001:db8::1"])),
    groups: makeList(random, 2, () => `sg-${random.below(5)}`),
  };
}

export function makeList<T extends Plain>(random: Random, most: number, make: (random: Random) => T): T[] {
  return Array.from({ length: random.below(most + 1) }, () => make(random));
}

export function makeRules(random: Random): Rules {
  const ids = (prefix: string, most: number) =>
    Array.from({ length: random.below(most + 1) }, (_, place) => `${prefix}${place}`);
  const section = (prefix: string, most: number, make: () => PlainMap) =>
    Object.fromEntries(ids(prefix, most).map((id) => [id, make()]));
  const rules: Rules = {};
  if (!random.once(4)) rules.networks = section("n", 3, () => ({ type: "vpc" }));
  if (random.once(2))
    rules.prefixLists = section("pl-", 3, () => ({
      family: "ipv4",
      entries: makeList(random, 3, () => ({ cidr: "10.0.0.0/8" })),
    }));
  if (!random.once(6)) rules.groups = section("sg-", 4, () => makeGroup(random));
  if (random.once(2))
    rules.instances = section("i-", 3, () => ({
      interfaces: Object.fromEntries(ids("eni-", 2).map((id) => [id, makeInterface(random)])),
    }));
  return rules;
}

export interface Written {
  readonly text: string;
  /** Comments by the part that they belong to: a path with `/` behind each key. */
  readonly comments: ReadonlyMap<string, string>;
}

/** Writes rules in random style. */
export function writeByHand(rules: Rules, random: Random): Written {
  return new Hand(random).write(rules);
}

class Hand {
  readonly #random: Random;
  readonly #comments = new Map<string, string>();
  readonly #step: number;
  readonly #listStep: number;
  readonly #anchors: { name: string; value: string; node: Plain }[] = [];
  readonly #chatty: number;
  #number = 0;

  constructor(random: Random) {
    this.#random = random;
    this.#step = random.pick([2, 2, 4]);
    this.#listStep = random.pick([0, 2, 4]);
    this.#chatty = random.pick([2, 4, 100]);
  }

  write(rules: Rules): Written {
    const random = this.#random;
    const lines = this.#mapLines({ version: 1, ...rules }, 0, "");
    const eol = random.pick(["\n", "\n", "\r\n"]);
    const text = `${random.once(5) ? "\uFEFF" : ""}${random.once(5) ? `---${eol}` : ""}${lines.join(eol)}${random.once(4) ? "" : eol}`;
    return { text, comments: this.#comments };
  }

  #comment(owner: string): string {
    const comment = `#c${this.#number++}_`;
    this.#comments.set(comment, owner);
    return comment;
  }

  /** Lines above a part: comments of the map or list that holds it, blank ones. */
  #above(column: number, holder: string): string[] {
    const lines: string[] = [];
    if (this.#random.once(6)) lines.push("");
    if (this.#random.once(this.#chatty))
      lines.push(`${" ".repeat(column)}${this.#comment(holder)} above, with: {signs}`);
    return lines;
  }

  #behind(owner: string): string {
    return this.#random.once(this.#chatty) ? ` ${this.#comment(owner)}` : "";
  }

  #mapLines(map: PlainMap, column: number, path: string): string[] {
    return Object.entries(map).flatMap(([key, value]) => {
      const own = `${path}${key}/`;
      return [...this.#above(column, path), ...this.#keyLines(key, value, column, own)];
    });
  }

  #keyLines(key: string, value: Plain, column: number, path: string): string[] {
    const head = `${" ".repeat(column)}${this.#random.once(8) ? `"${key}"` : key}:`;
    if (typeof value === "string" && this.#random.once(6))
      return this.#longText(head, value, column + this.#step, path);
    if (this.#staysInline(value))
      return this.#withTail(head, this.#inline(value, column + this.#step, path), path);
    const anchor = Array.isArray(value) && this.#random.once(3) ? this.#anchor(value) : "";
    const first = `${head}${anchor}${this.#behind(path)}`;
    if (Array.isArray(value)) return [first, ...this.#listLines(value, column + this.#listStep, path)];
    return [first, ...this.#mapLines(value as PlainMap, column + this.#step, path)];
  }

  /** A text in the lines below its key, or with more space than it needs. */
  #longText(head: string, value: string, column: number, path: string): string[] {
    const pad = " ".repeat(column);
    const way = this.#random.below(4);
    if (way === 0 && value !== "")
      return [`${head} ${this.#random.pick(["|-", ">-"])}${this.#behind(path)}`, `${pad}${value}`];
    if (way === 1 && value !== "") return [`${head} |-`, `${pad}${value}`, "", ""];
    if (way === 2)
      return [`${head}${this.#behind(path)}`, `${pad}${this.#scalar(value)}${this.#behind(path)}`];
    return [`${head}    ${this.#scalar(value)}   ${this.#behind(path)}`.trimEnd()];
  }

  #withTail(head: string, inline: string[], path: string): string[] {
    const [first = "", ...rest] = inline;
    const lines = [`${head} ${first}`, ...rest];
    return [...lines.slice(0, -1), `${lines.at(-1)}${this.#behind(path)}`];
  }

  #anchor(value: Plain): string {
    const name = `a${this.#anchors.length}`;
    this.#anchors.push({ name, value: JSON.stringify(value), node: value });
    return ` &${name}`;
  }

  /** An alias where the same stands behind an anchor. */
  #alias(value: Plain): string | undefined {
    if (typeof value !== "object" || this.#random.once(3)) return undefined;
    const found = this.#anchors.find(
      (anchor) => anchor.value === JSON.stringify(value) && anchor.node !== value,
    );
    return found === undefined ? undefined : `*${found.name}`;
  }

  #staysInline(value: Plain): boolean {
    if (typeof value !== "object") return true;
    if (Object.keys(value).length === 0) return true;
    if (this.#anchors.some((anchor) => anchor.value === JSON.stringify(value)) && this.#random.once(2))
      return true;
    return this.#random.once(2) && JSON.stringify(value).length < 300;
  }

  #listLines(list: Plain[], column: number, path: string): string[] {
    return list.flatMap((item, place) => {
      const own = `${path}${place}/`;
      const above = this.#above(column, path);
      const dash = `${" ".repeat(column)}- `;
      if (this.#staysInline(item))
        return [...above, ...this.#withTail(dash.trimEnd(), this.#inline(item, column + 2, own), own)];
      const lines = this.#mapLines(item as PlainMap, column + 2, own);
      const starts = lines.findIndex((line) => line.trim() !== "" && !line.trim().startsWith("#"));
      // Comments before the first key would stand above the dash.
      const early = lines.slice(0, starts).map((line) => line.slice(2));
      for (const line of early) this.#moveTo(line, path);
      return [...above, ...early, `${dash}${lines[starts]?.slice(column + 2)}`, ...lines.slice(starts + 1)];
    });
  }

  #moveTo(line: string, owner: string): void {
    const comment = /#c\d+_/.exec(line)?.[0];
    if (comment !== undefined) this.#comments.set(comment, owner);
  }

  /** On one line, or in brackets over several. */
  #inline(value: Plain, column: number, path: string): string[] {
    const alias = this.#alias(value);
    if (alias !== undefined) return [alias];
    if (typeof value !== "object") return [this.#scalar(value)];
    const [open, close] = Array.isArray(value) ? ["[", "]"] : ["{", "}"];
    const parts = Object.entries(value).map(([key, inner]) => {
      const own = `${path}${key}/`;
      const text = this.#inline(inner, column + 4, own).join("\n");
      return { own, text: Array.isArray(value) ? text : `${key}: ${text}` };
    });
    if (parts.length === 0) return [open + close];
    const flat = parts.every(({ text }) => !text.includes("\n"));
    if (flat && !this.#random.once(6)) {
      const pad = this.#random.once(4) ? " " : "";
      return [`${open}${pad}${parts.map(({ text }) => text).join(", ")}${pad}${close}`];
    }
    const trailing = this.#random.once(3);
    const lines = parts.flatMap(({ own, text }, place) => {
      const comma = place < parts.length - 1 || trailing ? "," : "";
      return [
        ...this.#above(column, path),
        ...`${" ".repeat(column)}${text}${comma}${this.#behind(own)}`.split("\n"),
      ];
    });
    return [`${open}${this.#behind(path)}`, ...lines, `${" ".repeat(column)}${close}`];
  }

  #scalar(value: string | number | boolean): string {
    if (typeof value !== "string") return String(value);
    const simple = /^[a-z][a-z0-9-]*$|^[0-9.]+\/[0-9]+$/.test(value) && !/^(yes|null|true)$/.test(value);
    if (simple && !this.#random.once(4)) return value;
    return this.#random.once(2) ? JSON.stringify(value) : `'${value.replaceAll("'", "''")}'`;
  }
}

/** The mirror's values are the editor's. */
export function asPlain(value: Plain): PlainValue {
  return value;
}
