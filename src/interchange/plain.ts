/** Groups, rules and lists as a rules file writes them: what translations give and take. */
import type { Direction, NicType, Policy } from "../model/model.ts";

export interface PlainRule {
  readonly id?: string;
  readonly direction: Direction;
  readonly policy: Policy;
  readonly protocol: string | number;
  readonly portRange?: string;
  readonly sourcePortRange?: string;
  readonly icmpType?: number;
  readonly icmpCode?: number;
  readonly remote: string;
  readonly local?: string;
  readonly priority?: number;
  readonly nicType?: NicType;
  readonly description?: string;
  readonly expires?: string;
  readonly template?: true;
}

export interface PlainGroup {
  readonly name?: string;
  readonly description?: string;
  readonly type: "basic" | "advanced";
  readonly network: string;
  readonly innerAccess?: Policy;
  readonly defaultEgress?: Policy;
  readonly mode?: "enforce" | "observe";
  readonly default?: boolean;
  readonly tags?: Readonly<Record<string, string>>;
  readonly rules: readonly PlainRule[];
}

export interface PlainPrefixList {
  readonly name?: string;
  readonly family: "ipv4" | "ipv6";
  readonly maxEntries?: number;
  readonly entries: readonly { readonly cidr: string; readonly description?: string }[];
}

/** Drops what is undefined, so that absent and default stay apart and a file has no empty keys. */
export function compact<T extends object>(
  fields: {
    readonly [K in keyof T]: T[K] | undefined;
  },
): T {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as T;
}
