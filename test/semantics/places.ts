/** The bed's names for addresses: one word stands for its IPv4 and its IPv6 address. */
import type { Family } from "../../src/model/model.ts";

const addresses: Readonly<Record<string, readonly [string, string]>> = {
  me: ["192.0.2.11", "2001:db8:1::11"],
  mate: ["192.0.2.12", "2001:db8:1::12"],
  third: ["192.0.2.13", "2001:db8:1::13"],
  fourth: ["192.0.2.14", "2001:db8:1::14"],
  fifth: ["192.0.2.15", "2001:db8:1::15"],
  vip: ["192.0.2.100", "2001:db8:1::100"],
  peer: ["198.51.100.80", "2001:db8:ffff::80"],
  peer2: ["198.51.100.7", "2001:db8:ffff::7"],
  far: ["203.0.113.9", "2001:db8:fffe::9"],
  router: ["203.0.113.1", "2001:db8:fffe::1"],
};

const prefixes: Readonly<Record<string, readonly [string, string]>> = {
  any: ["0.0.0.0/0", "::/0"],
  peers: ["198.51.100.0/24", "2001:db8:ffff::/48"],
  members: ["192.0.2.0/24", "2001:db8:1::/64"],
};

function ofFamily(pair: readonly [string, string], family: Family): string {
  return family === 4 ? pair[0] : pair[1];
}

/** The address that a name stands for; an address stands for itself. Throws for another word. */
export function addressOf(name: string, family: Family): string {
  const pair = addresses[name];
  if (pair !== undefined) return ofFamily(pair, family);
  if (name.includes(".") || name.includes(":")) return name;
  throw new Error(`"${name}" is no name of the bed and no address`);
}

/** Both addresses of a name. */
export function bothAddresses(name: string): readonly string[] {
  return addresses[name] ?? [name];
}

/** A rule's remote or local: `any`, `peers`, a host's name, or what is written. */
export function prefixOf(word: string, family: Family): string {
  const prefix = prefixes[word];
  if (prefix !== undefined) return ofFamily(prefix, family);
  const host = addresses[word];
  return host === undefined ? word : `${ofFamily(host, family)}/${family === 4 ? 32 : 128}`;
}

/** Interface eni-N of the bed: its MAC, and the name of its addresses. */
export function placeOfInterface(id: string): { readonly mac: string; readonly name: string } {
  const number = Number(id.replace("eni-", ""));
  const name = ["me", "mate", "third", "fourth", "fifth"][number - 1];
  if (name === undefined) throw new Error(`"${id}" is none of eni-1 to eni-5`);
  return { mac: `02:00:00:00:01:0${number}`, name };
}

/** The MAC of the host's own devices. */
export const hostMac = "02:00:00:00:00:fe";
