/** Groups of a model as rules files write them; what is a default is left out. */
import { formatPrefix } from "../model/cidr.ts";
import type { Group, Remote, Rule } from "../model/model.ts";
import { formatPortRange } from "../model/ports.ts";
import { hasPorts } from "../model/protocol.ts";
import { formatTime } from "../model/time.ts";
import { compact, type PlainGroup, type PlainRule } from "./plain.ts";

export function formatRemote(remote: Remote): string {
  switch (remote.kind) {
    case "prefix":
      return formatPrefix(remote.prefix);
    case "group":
      return remote.group;
    case "prefix-list":
      return remote.list;
    default:
      return remote satisfies never;
  }
}

const emptyToUndefined = (text: string): string | undefined => (text === "" ? undefined : text);

/** `type`: of its group; an advanced one's rules have no priorities. */
export function toPlainRule(rule: Rule, type: Group["type"]): PlainRule {
  const usual = rule.template ? 110 : 1;
  return compact<PlainRule>({
    id: rule.id ?? undefined,
    direction: rule.direction,
    policy: rule.policy,
    protocol: rule.protocol,
    portRange: hasPorts(rule.protocol) ? formatPortRange(rule.ports) : undefined,
    sourcePortRange: rule.sourcePorts === null ? undefined : formatPortRange(rule.sourcePorts),
    icmpType: rule.icmpType ?? undefined,
    icmpCode: rule.icmpCode ?? undefined,
    remote: formatRemote(rule.remote),
    local: rule.local === null ? undefined : formatPrefix(rule.local),
    priority: type === "advanced" || rule.priority === usual ? undefined : rule.priority,
    nicType: rule.nicType === "intranet" ? undefined : rule.nicType,
    description: emptyToUndefined(rule.description),
    expires: rule.expires === null ? undefined : formatTime(rule.expires),
    template: rule.template ? true : undefined,
  });
}

export function toPlainGroup(group: Group): PlainGroup {
  const usualAccess = group.type === "basic" ? "accept" : "drop";
  return compact<PlainGroup>({
    name: emptyToUndefined(group.name),
    description: emptyToUndefined(group.description),
    type: group.type,
    network: group.network,
    innerAccess: group.innerAccess === usualAccess ? undefined : group.innerAccess,
    defaultEgress: group.defaultEgress === "accept" ? undefined : group.defaultEgress,
    mode: group.mode === "enforce" ? undefined : group.mode,
    default: group.isDefault ? true : undefined,
    tags: group.tags.size === 0 ? undefined : Object.fromEntries(group.tags),
    rules: group.rules.map((rule) => toPlainRule(rule, group.type)),
  });
}
