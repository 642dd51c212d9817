/** What a translation says beside its result: for people on stderr, for programs in the record. */

import { type Finding, formatFinding, isPartial, isRefused } from "../../interchange/finding.ts";
import { cleanText } from "../../model/printable.ts";
import type { CommonOptions } from "../command.ts";
import { type CliError, refusal } from "../exit.ts";
import { formatNumberOf } from "../render/format.ts";
import { chooseFormat, printRecord } from "../render/output.ts";

/** May the result be used? Not where more would be allowed than before, and not in part unless told so. */
export function mayGoOn(findings: readonly Finding[], partial: boolean): boolean {
  return !isRefused(findings) && (partial || !isPartial(findings));
}

const count = (findings: readonly Finding[], effect: Finding["effect"]): number =>
  findings.filter((finding) => finding.effect === effect).length;

/** `what`: imported, exported. */
function describeRefusal(findings: readonly Finding[], what: string): string {
  const refused = count(findings, "refused");
  const lost = formatNumberOf(count(findings, "left-out"), "part");
  if (refused > 0)
    return `nothing was ${what}, for ${formatNumberOf(refused, "finding")} that would allow more than before, or that nobody can read:`;
  return `nothing was ${what}: ${lost} of what is accepted cannot be said; --partial goes on without:`;
}

/**
 * Prints a refused translation with all its findings.
 * @returns the refusal that the command ends with
 */
export async function refuseTranslation<T extends { readonly findings: readonly Finding[] }>(
  record: T,
  options: CommonOptions,
  what: string,
): Promise<CliError> {
  const format = chooseFormat(options);
  const said = describeRefusal(record.findings, what);
  if (format !== "table") {
    await printRecord(record, format, () => "");
    return refusal(said);
  }
  const order = { refused: 0, "left-out": 1, note: 2 };
  const lines = record.findings.toSorted((a, b) => order[a.effect] - order[b.effect]).map(describeFinding);
  return refusal([said, ...lines.map((line) => `  ${line}`)].join("\n"));
}

export function describeFinding(finding: Finding): string {
  return cleanText(formatFinding(finding));
}
