/** Mistakes that somebody could make in the BPF C: each a change of one line. */
import { markOf, readMarks } from "../unreachable.ts";

export interface Mutant {
  /** By its place in bpf/. */
  readonly file: string;
  /** From 1. */
  readonly line: number;
  readonly operator: string;
  readonly before: string;
  readonly after: string;
}

interface Operator {
  readonly name: string;
  readonly pattern: RegExp;
  readonly replacement: string;
}

/** Each match in a line is a mutant of its own. */
const operators: readonly Operator[] = [
  { name: "< for <=", pattern: / <= /g, replacement: " < " },
  { name: "<= for <", pattern: / < /g, replacement: " <= " },
  { name: "> for >=", pattern: / >= /g, replacement: " > " },
  { name: ">= for >", pattern: / > /g, replacement: " >= " },
  { name: "!= for ==", pattern: / == /g, replacement: " != " },
  { name: "== for !=", pattern: / != /g, replacement: " == " },
  { name: "|| for &&", pattern: / && /g, replacement: " || " },
  { name: "&& for ||", pattern: / \|\| /g, replacement: " && " },
  { name: "one more", pattern: / \+ (\d+)\b/g, replacement: " + 1 + $1" },
  { name: "minus for plus", pattern: / \+ /g, replacement: " - " },
  { name: "ingress for egress", pattern: /\bEGRESS\b/g, replacement: "INGRESS" },
  { name: "egress for ingress", pattern: /\bINGRESS\b/g, replacement: "EGRESS" },
  { name: "remote for local", pattern: /([.>])local\b/g, replacement: "$1remote" },
  { name: "local for remote", pattern: /([.>])remote\b/g, replacement: "$1local" },
  { name: "destination for source", pattern: /->source\b/g, replacement: "->destination" },
  { name: "source for destination", pattern: /->destination\b/g, replacement: "->source" },
  { name: "accept for drop", pattern: /\bverdict_drop\(/g, replacement: "verdict_accept(" },
  { name: "true for false", pattern: /return false;/g, replacement: "return true;" },
  { name: "false for true", pattern: /return true;/g, replacement: "return false;" },
  { name: "a check never holds", pattern: /^( +)if \((.*)\)( \{)?$/g, replacement: "$1if (0 && ($2))$3" },
  {
    name: "a statement less",
    pattern: /^( +)((?:[a-z_]+(?:->|\.))[a-z_.>[\]-]+ [|&+^]?= .*;)$/g,
    replacement: "$1(void)0;",
  },
];

/** Comments, directives and declarations are not what the verdict does. */
const silent = /^\s*(\/?\*|#|\/\/|static|struct|enum|const|[A-Z_]+ ?= )|__attribute__/;

function mutateLine(file: string, text: string, index: number): readonly Mutant[] {
  if (silent.test(text)) return [];
  return operators.flatMap(({ name, pattern, replacement }) =>
    [...text.matchAll(pattern)].map((match) => {
      const single = new RegExp(pattern.source);
      const changed = match[0].replace(single, replacement);
      const after = text.slice(0, match.index) + changed + text.slice(match.index + match[0].length);
      return { file, line: index + 1, operator: name, before: text.trim(), after };
    }),
  );
}

/** Every mutant of a file, but of what no packet can reach: a mistake there shows nowhere. */
export function mutantsOf(file: string, text: string): readonly Mutant[] {
  const marks = readMarks(text);
  return text
    .split("\n")
    .flatMap((line, index) => (markOf(marks, index + 1) === undefined ? mutateLine(file, line, index) : []));
}

export function applyMutant(text: string, { line, after }: Mutant): string {
  const lines = text.split("\n");
  lines[line - 1] = after;
  return lines.join("\n");
}
