/** The text of a Proxmox VE firewall file as sections and lines; nothing is judged yet. */
import { quote } from "../model/text.ts";
import { Unsayable } from "./finding.ts";

export interface FirewallLine {
  /** `cluster.fw:12` */
  readonly at: string;
  /** Without its comment. */
  readonly text: string;
  /** Behind `#`; empty where there is none. */
  readonly comment: string;
}

export type SectionKind = "options" | "aliases" | "ipset" | "rules" | "group";

export interface Section {
  readonly kind: SectionKind;
  /** Of a group or IP set; empty for the others. */
  readonly name: string;
  readonly comment: string;
  readonly at: string;
  readonly lines: readonly FirewallLine[];
}

/** @throws Unsayable for a section that no such file has, and for text before the first one */
export function readSections(file: string, text: string): readonly Section[] {
  const sections: (Section & { readonly lines: FirewallLine[] })[] = [];
  for (const [index, raw] of text
    .replace(/^\uFEFF/, "")
    .split(/\r\n|\r|\n/)
    .entries()) {
    const at = `${file}:${index + 1}`;
    const { text: content, comment } = splitComment(raw);
    if (content === "") continue;
    if (content.startsWith("[")) {
      const { kind, name } = readHead(content, at);
      if (name !== "" && sections.some((section) => section.kind === kind && section.name === name))
        throw new Unsayable("duplicate-key", `${at}: ${quote(content)} stands twice`);
      sections.push({ ...readHead(content, at), comment, at, lines: [] });
      continue;
    }
    const section = sections.at(-1);
    if (section === undefined)
      throw new Unsayable("bad-file", `${at} stands before the first section`, "[RULES]");
    section.lines.push({ at, text: content, comment });
  }
  return sections;
}

function splitComment(raw: string): { text: string; comment: string } {
  const at = raw.indexOf("#");
  if (at < 0) return { text: raw.trim(), comment: "" };
  return { text: raw.slice(0, at).trim(), comment: raw.slice(at + 1).trim() };
}

function readHead(content: string, at: string): { readonly kind: SectionKind; readonly name: string } {
  const parts = /^\[\s*(\w+)(?:\s+([A-Za-z][\w-]*))?\s*\]$/.exec(content);
  const word = parts?.[1]?.toLowerCase();
  const name = parts?.[2] ?? "";
  const named = word === "group" || word === "ipset";
  const bare = word === "options" || word === "aliases" || word === "rules";
  // Names are the same in upper and lower case.
  if (named && name !== "") return { kind: word, name: name.toLowerCase() };
  if (bare && name === "") return { kind: word, name: "" };
  const right = "[OPTIONS], [ALIASES], [IPSET name], [RULES] or [group name]";
  throw new Unsayable("bad-file", `${at}: ${quote(content)} is no section`, right);
}

export interface Option extends FirewallLine {
  readonly key: string;
  readonly value: string;
}

/** `key: value` of the OPTIONS. @throws Unsayable for another form */
export function readOptions(sections: readonly Section[]): readonly Option[] {
  return sections
    .filter(({ kind }) => kind === "options")
    .flatMap(({ lines }) =>
      lines.map((one) => {
        const parts = /^([\w-]+)\s*:\s*(.*)$/.exec(one.text);
        if (parts === null)
          throw new Unsayable("bad-file", `${one.at}: ${quote(one.text)} is no option`, "key: value");
        return { ...one, key: (parts[1] ?? "").toLowerCase(), value: (parts[2] ?? "").trim() };
      }),
    );
}

export interface FirewallFile {
  readonly name: string;
  /** The guest's number, `cluster`, or null for a file of another name. */
  readonly of: string | null;
  readonly sections: readonly Section[];
  readonly options: readonly Option[];
}

export interface RuleLine {
  readonly at: string;
  readonly comment: string;
  readonly type: "in" | "out" | "forward" | "group";
  /** `accept`, `drop` or `reject`; of a group its name. */
  readonly action: string;
  readonly macro: string | null;
  /** By long name, without dashes. */
  readonly options: ReadonlyMap<string, string>;
}

const optionNames: Readonly<Record<string, string>> = {
  i: "iface",
  iface: "iface",
  p: "proto",
  proto: "proto",
  source: "source",
  dest: "dest",
  sport: "sport",
  dport: "dport",
  "icmp-type": "icmp-type",
  log: "log",
  enable: "enable",
};

/** Is the line a rule that the source has switched off? Whatever else it says holds for nobody. */
export function isSwitchedOff({ text }: FirewallLine): boolean {
  return text.startsWith("|") || /\s--?enable\s+0(\s|$)/.test(text);
}

/** Can the line, whatever is wrong with it, do nothing but accept? */
export function onlyAccepts({ text }: FirewallLine): boolean {
  return /^(in|out)\s+(\S+\(accept\)|accept)(\s|$)/i.test(text);
}

/** One line of rules. @throws Unsayable where it is none */
export function readRuleLine({ at, text, comment }: FirewallLine): RuleLine {
  const [type = "", action = "", ...rest] = text.split(/\s+/);
  const base = { at, comment, options: readRuleOptions(rest) };
  switch (type.toLowerCase()) {
    case "group":
      if (action === "") throw new Unsayable("bad-file", "GROUP without a name", "GROUP name");
      return { ...base, type: "group", action: action.toLowerCase(), macro: null };
    case "in":
    case "out":
    case "forward":
      return { ...base, type: type.toLowerCase() as "in" | "out" | "forward", ...readAction(action) };
    default:
      throw new Unsayable("bad-file", `${quote(type)} is no kind of rule`, "IN, OUT or GROUP");
  }
}

function readAction(text: string): { readonly action: string; readonly macro: string | null } {
  const parts = /^(?:(\S+)\()?(accept|drop|reject)(\))?$/i.exec(text);
  const macro = parts?.[1] ?? null;
  if (parts === null || (macro === null) !== (parts[3] === undefined))
    throw new Unsayable("bad-value", `${quote(text)} is no action`, "ACCEPT, DROP, REJECT or Macro(ACCEPT)");
  return { action: (parts[2] ?? "").toLowerCase(), macro };
}

function readRuleOptions(words: readonly string[]): ReadonlyMap<string, string> {
  const options = new Map<string, string>();
  for (let index = 0; index < words.length; index += 2) {
    const word = words[index] ?? "";
    const key = /^--?(.+)$/.exec(word)?.[1] ?? "";
    const name = Object.hasOwn(optionNames, key) ? optionNames[key] : undefined;
    const value = words[index + 1];
    if (name === undefined) throw new Unsayable("unknown-key", `${quote(word)} is no option of a rule`);
    if (value === undefined) throw new Unsayable("bad-file", `${quote(word)} without a value`);
    if (options.has(name)) throw new Unsayable("duplicate-key", `${quote(word)} stands twice`);
    options.set(name, value);
  }
  return options;
}
