import type { StreamLine } from "../../agent/protocol.ts";
import { cleanText } from "../../model/printable.ts";
import { formatNumberOf } from "./format.ts";
import { formatEndpoint, formatRule } from "./packet.ts";
import { style, styleVerdict } from "./style.ts";

/** One event on one line: when, where, what became of it, which packet, which rule. */
export function renderEvent(line: StreamLine): string {
  if ("lost" in line)
    return style.warning(`… ${formatNumberOf(line.lost, "event")} left out: this reader is too slow`);
  const from = formatEndpoint({ address: line.source, port: line.sourcePort });
  const to = formatEndpoint({ address: line.destination, port: line.destinationPort });
  const macs = line.source === null ? ` ${line.sourceMac} > ${line.destinationMac}` : ` ${from} > ${to}`;
  const icmp = line.icmpType === null ? "" : ` type ${line.icmpType} code ${line.icmpCode ?? 0}`;
  const flags = line.tcpFlags === null || line.tcpFlags === "" ? "" : ` [${line.tcpFlags}]`;
  const rule = line.rule === null ? "" : ` by ${formatRule(line.rule)}`;
  const packet = cleanText(`${line.protocol}${macs}${icmp}${flags} ${line.bytes} B`);
  const where = cleanText(`${line.interface ?? "removed interface"} ${line.direction}`);
  const clock = style.aside(cleanText(line.time.slice(11, 23)));
  return `${clock} ${where} ${styleVerdict(line.verdict)} ${cleanText(line.reason + rule)}: ${packet}`;
}
