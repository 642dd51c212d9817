/** Rules and groups of the model in the shape of the files. */
import { formatPrefix } from "./cidr.ts";
import type { Group, Remote, Rule } from "./model.ts";
import { formatPortRange } from "./ports.ts";
import { hasPorts } from "./protocol.ts";
import { formatTime } from "./time.ts";

/** A value as YAML or JSON holds it; a key that is undefined is not there. */
export type PlainValue = string | number | boolean | null | readonly PlainValue[] | PlainMap;
export type PlainMap = { readonly [key: string]: PlainValue | undefined };

/** A rule as a file would say it; what is as it is without being written is left out. */
export interface RuleEntry {
  readonly id?: string;
  readonly direction: string;
  readonly policy: string;
  readonly protocol: string | number;
  readonly portRange?: string;
  readonly sourcePortRange?: string;
  readonly icmpType?: number;
  readonly icmpCode?: number;
  readonly priority?: number;
  readonly remote: string;
  readonly local?: string;
  readonly nicType?: string;
  readonly description?: string;
  readonly expires?: string;
  readonly template?: boolean;
  readonly [key: string]: PlainValue | undefined;
}

/** The authorization object as it is written. */
export function writeRemote(remote: Remote): string {
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

/** A rule's entry; the priorities that need not be written (1, and a template's) are not. */
export function writeRule(rule: Rule): RuleEntry {
  const { id, icmpType, icmpCode, local, expires } = rule;
  return {
    ...(id === null ? {} : { id }),
    direction: rule.direction,
    policy: rule.policy,
    protocol: rule.protocol,
    ...(hasPorts(rule.protocol) ? { portRange: formatPortRange(rule.ports) } : {}),
    ...(rule.sourcePorts === null ? {} : { sourcePortRange: formatPortRange(rule.sourcePorts) }),
    ...(icmpType === null ? {} : { icmpType }),
    ...(icmpCode === null ? {} : { icmpCode }),
    ...(rule.template || rule.priority === 1 ? {} : { priority: rule.priority }),
    remote: writeRemote(rule.remote),
    ...(local === null ? {} : { local: formatPrefix(local) }),
    ...(rule.nicType === "intranet" ? {} : { nicType: rule.nicType }),
    ...(rule.description === "" ? {} : { description: rule.description }),
    ...(expires === null ? {} : { expires: formatTime(expires) }),
    ...(rule.template ? { template: true } : {}),
  };
}

/** A group's entry, rules included. */
export function writeGroup(group: Group): PlainMap {
  const inner = group.type === "basic" ? "accept" : "drop";
  return {
    ...(group.name === "" ? {} : { name: group.name }),
    ...(group.description === "" ? {} : { description: group.description }),
    type: group.type,
    network: group.network,
    ...(group.innerAccess === inner ? {} : { innerAccess: group.innerAccess }),
    ...(group.defaultEgress === "accept" ? {} : { defaultEgress: group.defaultEgress }),
    ...(group.mode === "enforce" ? {} : { mode: group.mode }),
    ...(group.isDefault ? { default: true } : {}),
    rules: group.rules.map(writeRule),
    ...(group.tags.size === 0 ? {} : { tags: Object.fromEntries(group.tags) }),
  };
}
