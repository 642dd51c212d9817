import { type Definition, definitions } from "./definitions.ts";

/** The table of docs/metrics.md, from the definitions: a test holds the file to it. */
export function renderMetricsTable(): string {
  const rows = Object.values<Definition>(definitions).map(({ name, type, labels, help, note }) => {
    const braces = labels.length === 0 ? "" : `{${labels.join(",")}}`;
    return `| \`${name}${braces}\` | ${type} | ${[help, note].filter(Boolean).join(" ")} |`;
  });
  return ["| metric | type | what it says |", "|---|---|---|", ...rows].join("\n");
}
