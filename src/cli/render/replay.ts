import { cleanText } from "../../model/printable.ts";
import type { ReplayedPacket } from "../replay.ts";
import { formatRule } from "./packet.ts";
import { style, styleVerdict } from "./style.ts";

/** One packet on one line, in columns that stay where they are. */
export function renderReplayed(record: ReplayedPacket): string {
  const { packet, direction, verdict, reason, session, rule, problem } = record;
  const head = `${String(packet).padStart(6)}  ${direction.padEnd(7)}`;
  if (verdict === null) return `${head}  ${style.warning("not judged")}: ${cleanText(problem ?? "")}`;
  const word = styleVerdict(verdict) + " ".repeat(6 - verdict.length);
  const by = rule === null ? "" : `  ${cleanText(formatRule(rule))}`;
  return `${head}  ${word}  ${(reason ?? "").padEnd(20)}  ${session.padEnd(11)}${by}`.trimEnd();
}
