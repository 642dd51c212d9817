/** Free text and ids: what is legal, and how a text that may hold anything is shown in a message. */
import { accepted, type Parsed, refused } from "./diagnostic.ts";
import { escapeUnprintable, unprintable } from "./printable.ts";

const textLength = 256;
const idPattern = /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/;
/** The text in backquotes, unprintable characters escaped, cut after 60 characters. */
export function quote(text: string): string {
  const cut = text.length > 60 ? `${text.slice(0, 57)}...` : text;
  return `\`${escapeUnprintable(cut)}\``;
}

/** A name, description or tag: printable, at most 256 characters. */
export function checkText(text: string): Parsed<string> {
  if (text.length > textLength) {
    return refused("bad-text", `has ${text.length} characters: write at most ${textLength}`);
  }
  const found = unprintable.exec(text);
  if (found !== null) {
    const code = (found[0].codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0");
    return refused("bad-text", `has the unprintable character U+${code}: leave it out`);
  }
  return accepted(text);
}

export type IdKind = "group" | "prefix list" | "network" | "instance" | "interface" | "rule";

/** `an interface`. */
export function withArticle(kind: IdKind): string {
  return `${/^[aeiou]/.test(kind) ? "an" : "a"} ${kind}`;
}

/** What an id of this kind begins with, behind an account's name. */
const idPrefixes: Readonly<Partial<Record<IdKind, string>>> = { group: "sg-", "prefix list": "pl-" };

/**
 * An id: letters, digits, `.`, `_`, `-`, at most 63 characters; a group's begins with `sg-`, maybe behind
 * `ACCOUNT/`; a prefix list's with `pl-`.
 */
export function checkId(kind: IdKind, id: string): Parsed<string> {
  const parts = kind === "group" && id.includes("/") ? id.split("/") : [id];
  const last = parts.at(-1) ?? "";
  if (parts.length > 2 || !parts.every((part) => idPattern.test(part))) {
    const form = "letters, digits, `.`, `_` and `-`, first a letter or digit, at most 63 characters";
    return refused("bad-id", `${quote(id)} is no id of ${withArticle(kind)}: write ${form}`);
  }
  const prefix = idPrefixes[kind];
  if (prefix !== undefined && !last.startsWith(prefix)) {
    const right = [...parts.slice(0, -1), `${prefix}${last}`].join("/");
    return refused("bad-id", `the id of ${withArticle(kind)} begins with \`${prefix}\``, right);
  }
  return accepted(id);
}

/** True for what can only be meant as a group's id. */
export function isGroupId(text: string): boolean {
  return checkId("group", text).ok;
}

/** True for what can only be meant as a prefix list's id. */
export function isPrefixListId(text: string): boolean {
  return checkId("prefix list", text).ok;
}
