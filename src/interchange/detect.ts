/** Whose rules a text holds, by what stands in it. */
import { canonicalKey } from "./alibaba-keys.ts";
import { readCsv } from "./csv.ts";
import { Unsayable } from "./finding.ts";
import { parseJson } from "./json.ts";
import type { SourceFile } from "./translate.ts";

export const sourceFormats = ["alibaba", "aws", "openstack", "proxmox", "ringwall"] as const;
export type SourceFormat = (typeof sourceFormats)[number];

/** @throws Unsayable where nothing tells */
export function detectFormat(files: readonly SourceFile[]): SourceFormat {
  const text = files[0]?.text.replace(/^\uFEFF/, "") ?? "";
  if (/^\s*(#.*\n\s*)*\[\s*(options|aliases|rules|ipset\s|group\s)/i.test(text)) return "proxmox";
  if (/^(version|groups)\s*:/m.test(text)) return "ringwall";
  const found = /^\s*[[{]/.test(text) ? detectJson(parseJson(text)) : detectCsv(text);
  if (found !== null) return found;
  throw new Unsayable(
    "bad-file",
    "nothing here tells whose rules these are",
    `--format ${sourceFormats.join("|")}`,
  );
}

function detectCsv(text: string): SourceFormat | null {
  const titles = readCsv(text).titles.map(canonicalKey);
  return titles.includes("IpProtocol") || titles.includes("PortRange") ? "alibaba" : null;
}

function keysOf(value: unknown): readonly string[] {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? Object.keys(value) : [];
}

function detectJson(root: unknown): SourceFormat | null {
  if (Array.isArray(root)) return detectRule(keysOf(root[0]));
  const keys = keysOf(root);
  if (keys.includes("SecurityGroupRules")) return "aws";
  if (keys.includes("version") && keys.includes("groups")) return "ringwall";
  if (keys.includes("Permissions")) return "alibaba";
  const groups = (root as { readonly SecurityGroups?: unknown }).SecurityGroups;
  if (Array.isArray(groups)) return keysOf(groups[0]).includes("Permissions") ? "alibaba" : "aws";
  if (groups !== undefined) return "alibaba";
  const openstack = ["security_groups", "security_group", "security_group_rules", "rules"];
  return keys.some((key) => openstack.includes(key)) ? "openstack" : null;
}

function detectRule(keys: readonly string[]): SourceFormat | null {
  if (["IP Protocol", "ethertype", "Ethertype", "security_group_id"].some((key) => keys.includes(key)))
    return "openstack";
  const named = keys.map(canonicalKey);
  return named.includes("IpProtocol") && named.includes("PortRange") ? "alibaba" : null;
}
