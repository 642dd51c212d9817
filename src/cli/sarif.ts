/** Findings as SARIF 2.1.0 (OASIS Standard), the form that code scanning takes. */
import { createHash } from "node:crypto";
import { relative, sep } from "node:path";
import { pathToFileURL } from "node:url";
import type { Place } from "../model/model.ts";
import { cleanText } from "../model/printable.ts";
import { type Finding, lintCodes } from "../policy/lint/finding.ts";

const schemaUri =
  "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";
const codes = Object.keys(lintCodes) as readonly (keyof typeof lintCodes)[];

/**
 * One run with all findings. Files below `folder` are named relative to it, as code scanning wants them, others
 * by a file URI. Names are escaped: no control character is in any text.
 */
export function makeSarif(findings: readonly Finding[], version: string, folder: string) {
  return {
    $schema: schemaUri,
    version: "2.1.0" as const,
    runs: [
      {
        tool: {
          driver: {
            name: "ringwall lint",
            semanticVersion: version,
            rules: codes.map((id) => ({
              id,
              shortDescription: { text: lintCodes[id].meaning },
              defaultConfiguration: { level: lintCodes[id].severity },
            })),
          },
        },
        columnKind: "utf16CodeUnits" as const,
        results: findings.map((finding) => makeResult(finding, folder)),
      },
    ],
  };
}

function makeResult(finding: Finding, folder: string) {
  const { code, severity, message, better, related, place } = finding;
  const advice = better === null ? [] : [`Better: ${better.text}`, better.yaml ?? "", better.command ?? ""];
  const text = [`${subjectOf(finding)}${message}.`, ...advice].filter((line) => line !== "").join("\n");
  return {
    ruleId: code,
    ruleIndex: codes.indexOf(code),
    level: severity,
    message: { text: cleanLines(text) },
    locations: [
      {
        ...(place === null ? {} : { physicalLocation: locate(place, folder) }),
        logicalLocations: [{ fullyQualifiedName: cleanText(nameOf(finding)) }],
      },
    ],
    partialFingerprints: { "ringwall/v1": fingerprint(finding) },
    ...(related.length === 0 ? {} : { relatedLocations: related.map((one) => relate(one, folder)) }),
  };
}

function relate({ place, message, rule }: Finding["related"][number], folder: string) {
  return {
    message: { text: cleanText(`${rule.group} ${rule.id ?? `rule ${rule.index}`} ${message}`) },
    ...(place === null ? {} : { physicalLocation: locate(place, folder) }),
  };
}

function locate({ file, line, column }: Place, folder: string) {
  const inside = relative(folder, file);
  const isBelow = inside !== "" && !inside.startsWith("..") && !inside.startsWith(sep);
  const uri = isBelow ? inside.split(sep).map(encodeURIComponent).join("/") : pathToFileURL(file).href;
  return {
    artifactLocation: { uri },
    // A place without a line is the file itself.
    ...(line === 0 ? {} : { region: { startLine: line, startColumn: Math.max(1, column) } }),
  };
}

/** Line breaks are ours; what else is no text is written out. */
function cleanLines(text: string): string {
  return text.split("\n").map(cleanText).join("\n");
}

function subjectOf({ rule, group }: Finding): string {
  if (rule === null) return "";
  return `${group ?? rule.group} ${rule.id ?? `rule ${rule.index}`} `;
}

function nameOf({ network, group, rule, interfaces }: Finding): string {
  const parts = [network, group, rule === null ? (interfaces[0] ?? null) : (rule.id ?? `rule ${rule.index}`)];
  return parts.filter((part) => part !== null).join("/") || "rules";
}

/** The same finding keeps it when lines are added above. */
function fingerprint(finding: Finding): string {
  const said = [finding.code, nameOf(finding), finding.message.replaceAll(/line \d+/g, "line")];
  return createHash("sha256").update(said.join("\n")).digest("hex").slice(0, 32);
}
