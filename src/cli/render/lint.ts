import { formatPlace } from "../../model/diagnostic.ts";
import { cleanText } from "../../model/printable.ts";
import type { Finding, LintSeverity } from "../../policy/lint/finding.ts";
import type { LintRecord } from "../commands/lint.ts";
import { formatNumberOf } from "./format.ts";
import { formatRule } from "./packet.ts";
import { style } from "./style.ts";

/** Each finding as `file:line:column: severity: …`, with what to write instead; last, how many there are. */
export function renderLint({ findings, warnings, notes, complete }: LintRecord): string {
  if (findings.length === 0) return style.good("Nothing to say against these rules.");
  const total = `${formatNumberOf(warnings, "warning")}, ${formatNumberOf(notes, "note")}.`;
  const unfinished = complete ? [] : [style.warning("Idle rules were not searched to the end.")];
  return [
    ...findings.flatMap(renderFinding),
    ...unfinished,
    warnings > 0 ? style.warning(total) : total,
  ].join("\n");
}

function renderFinding(finding: Finding): string[] {
  const { place, severity, message, code, better } = finding;
  const where = place === null ? "" : `${cleanText(formatPlace(place))}: `;
  const about = describeSubject(finding);
  const lines = [
    `${where}${styleSeverity(severity)}: ${cleanText(about + message)} ${style.aside(`[${code}]`)}`,
  ];
  if (better === null) return lines;
  lines.push(`  better: ${cleanText(better.text)}`);
  if (better.yaml !== null) lines.push(`    ${cleanText(better.yaml)}`);
  if (better.command !== null) lines.push(`    ${cleanText(better.command)}`);
  return lines;
}

function describeSubject({ rule, group }: Finding): string {
  if (rule === null || group === null) return "";
  return `${formatRule({ ...rule, line: null })} `;
}

function styleSeverity(severity: LintSeverity): string {
  switch (severity) {
    case "warning":
      return style.warning(severity);
    case "note":
      return style.aside(severity);
    default:
      return severity satisfies never;
  }
}
