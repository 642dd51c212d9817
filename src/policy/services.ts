/** Services cut at the boundaries of rules: between two cuts all packets match the same rules. */
import type { Family, PortRange, Rule } from "../model/model.ts";
import type { Expectation } from "./expectations.ts";
import type { Question } from "./rules.ts";
import { extensionHeaders } from "./universe.ts";

export type Service = Omit<Question, "remote" | "local">;

export const tcp = 6;
export const udp = 17;

export function icmpOf(family: Family): number {
  return family === 4 ? 1 : 58;
}

/** The protocols that rules name, those with ports or types, and one that stands for all others. */
function protocolsOf(rules: readonly Rule[], family: Family): readonly number[] {
  const icmp = icmpOf(family);
  const otherIcmp = icmpOf(family === 4 ? 6 : 4);
  const named = new Set<number>([tcp, udp, icmp]);
  for (const { protocolNumber } of rules) {
    if (protocolNumber !== null && protocolNumber !== otherIcmp) named.add(protocolNumber);
  }
  for (let number = 253; number >= 0; number--) {
    if (named.has(number) || number === otherIcmp) continue;
    if (family === 6 && extensionHeaders.includes(number)) continue;
    return [...named, number];
  }
  return [...named];
}

/** First port of each cell. */
function portCells(fixed: number | null, ranges: readonly (PortRange | null)[]): readonly number[] {
  if (fixed !== null) return [fixed];
  const firsts = new Set<number>([0]);
  for (const range of ranges) {
    if (range === null) continue;
    firsts.add(range.first);
    if (range.last < 65535) firsts.add(range.last + 1);
  }
  return [...firsts].sort((a, b) => a - b);
}

/** Each value that rules name, and one that none names. */
function valueCells(fixed: number | null, values: readonly (number | null)[]): readonly number[] {
  if (fixed !== null) return [fixed];
  const named = new Set(values.filter((value) => value !== null));
  const other = Array.from({ length: 256 }, (_, value) => value).find((value) => !named.has(value));
  return other === undefined ? [...named] : [...named, other];
}

function servicesOf(
  row: Expectation,
  rules: readonly Rule[],
  family: Family,
  protocol: number,
): readonly Service[] {
  const none = { protocol, sourcePort: null, destinationPort: null, icmpType: null, icmpCode: null };
  const concerned = rules.filter((rule) => rule.protocolNumber === null || rule.protocolNumber === protocol);
  if (protocol === tcp || protocol === udp) {
    const sources = portCells(
      row.sourcePort,
      concerned.map((rule) => rule.sourcePorts),
    );
    return portCells(
      row.port,
      concerned.map((rule) => rule.ports),
    ).flatMap((destinationPort) => sources.map((sourcePort) => ({ ...none, destinationPort, sourcePort })));
  }
  if (protocol !== icmpOf(family)) return [none];
  const codes = valueCells(
    row.icmpCode,
    concerned.map((rule) => rule.icmpCode),
  );
  return valueCells(
    row.icmpType,
    concerned.map((rule) => rule.icmpType),
  ).flatMap((icmpType) => codes.map((icmpCode) => ({ ...none, icmpType, icmpCode })));
}

/** One service for each cell of a row, as these rules cut it; none where the protocol is of the other family. */
export function* cellsOf(row: Expectation, rules: readonly Rule[], family: Family): Generator<Service> {
  const asked = row.protocolNumber;
  if (asked === icmpOf(family === 4 ? 6 : 4)) return;
  for (const protocol of asked === null ? protocolsOf(rules, family) : [asked]) {
    yield* servicesOf(row, rules, family, protocol);
  }
}
