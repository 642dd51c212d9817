/** The digest of a compiled policy: an agent that finds it in the kernel need not write the policy again. */
import type { Rule } from "../model/model.ts";
import { digest128 } from "./digest.ts";
import type { Bits, Cell, CompiledPolicy, CompiledSide, OrderedRule, PolicySource } from "./types.ts";

/**
 * Covers everything that the kernel holds of a policy, and the rules that its bits stand for: the kernel tells
 * numbers, and an event's or a session's number must mean the same rule as before. A rule counts by its id and
 * content, not by its place in a file or its description, so that moving or commenting one changes nothing.
 */
export function digestContent(compiled: Omit<CompiledPolicy, "content">): [bigint, bigint] {
  const text = [
    JSON.stringify(describeSource(compiled.source)),
    describeSide(compiled.sides.egress),
    describeSide(compiled.sides.ingress),
    compiled.prefixes
      .map(({ direction, local, prefix, bits }) =>
        [direction, local, prefix.family, prefix.bits.toString(16), prefix.length, describeBits(bits)].join(),
      )
      .join(";"),
    compiled.groups
      .map(({ direction, identity, bits }) => [direction, identity.toString(16), describeBits(bits)].join())
      .join(";"),
  ].join("\n");
  const { buffer, byteOffset, byteLength } = compiled.words;
  return digest128(text, new Uint8Array(buffer, byteOffset, byteLength));
}

function describeSource(source: PolicySource): unknown {
  const { network, nicType, groups, sides } = source;
  const rules = [...sides.egress.rules, ...sides.ingress.rules].map(describeRule);
  return [network, nicType, groups, rules];
}

/** What a rule is known by. Who observes and who shares inner access stands in masks, flags and entries. */
function describeRule({ group, rule }: OrderedRule): unknown {
  return [group, rule.id, ...describeRuleContent(rule)];
}

/** Everything that a rule's verdict hangs on, as plain data: equal for rules that say the same. */
export function describeRuleContent(rule: Rule): readonly unknown[] {
  const { direction, policy, priority, protocolNumber, ports, sourcePorts, icmpType, icmpCode } = rule;
  const remote =
    rule.remote.kind === "prefix" ? describePrefix(rule.remote.prefix) : Object.values(rule.remote);
  return [
    direction,
    policy,
    priority,
    protocolNumber,
    ports && [ports.first, ports.last],
    sourcePorts && [sourcePorts.first, sourcePorts.last],
    icmpType,
    icmpCode,
    remote,
    rule.local && describePrefix(rule.local),
    rule.expires,
  ];
}

function describePrefix(prefix: { readonly family: number; readonly bits: bigint; readonly length: number }) {
  return [prefix.family, prefix.bits.toString(16), prefix.length];
}

function describeSide(side: CompiledSide): string {
  const { flags, rules, acceptsBase, enforcedBase, enforcedWords } = side;
  return [
    [flags, rules, acceptsBase, enforcedBase, enforcedWords].join(),
    describeCells(side.service),
    describeCells(side.sourcePort),
    describeCells(side.expires),
  ].join("\n");
}

function describeCells(cells: readonly Cell[]): string {
  return cells.map(({ first, bits }) => `${first},${describeBits(bits)}`).join(";");
}

function describeBits({ summary, base, flags }: Bits): string {
  return `${summary.toString(16)}/${base}/${flags}`;
}
