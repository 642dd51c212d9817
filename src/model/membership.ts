/** What has to hold between interfaces: one device, one address, one MAC; and one default group a network. */
import { linkLocalAddress } from "./address.ts";
import { addressKey, formatAddress } from "./cidr.ts";
import type { GroupHead } from "./context.ts";
import type { Diagnostics } from "./diagnostic.ts";
import { formatMac } from "./mac.ts";
import type { Interface, Place } from "./model.ts";
import { defaultGroupId } from "./template.ts";
import { quote } from "./text.ts";

/** Where an interface names what is its own; `index`: which of several. */
export type Locate = (member: Interface, key: "device" | "mac" | "addresses", index?: number) => Place | null;

/** Calls `onTwice` where a key has a holder already. */
function claim(
  holders: Map<string, Interface>,
  key: string,
  holder: Interface,
  onTwice: (first: Interface) => void,
): void {
  const first = holders.get(key);
  if (first === undefined) holders.set(key, holder);
  else onTwice(first);
}

function relatedTo(first: Interface) {
  return { related: [{ place: first.place, message: `${quote(first.id)} is` }] };
}

/**
 * Two interfaces of one host never name one device; two of one network never hold one address (the
 * link-local one made from the MAC counts) or MAC. `host`: the name of this host, where it is known.
 */
export function checkInterfaces(
  interfaces: Iterable<Interface>,
  host: string | undefined,
  locate: Locate,
  diagnostics: Diagnostics,
): void {
  const devices = new Map<string, Interface>();
  const macs = new Map<string, Interface>();
  const addresses = new Map<string, Interface>();
  for (const member of interfaces) {
    const hosts = member.hosts.length === 0 ? [host ?? ""] : member.hosts;
    for (const name of hosts) {
      claim(devices, `${name} ${member.device}`, member, (first) => {
        const where = name === "" ? "of this host" : `of host ${quote(name)}`;
        const message = `the device ${quote(member.device)} ${where} is ${quote(first.id)}'s already: write ${quote(member.id)}'s own`;
        diagnostics.add("device-twice", locate(member, "device"), message, relatedTo(first));
      });
    }
    claim(macs, `${member.network} ${formatMac(member.mac)}`, member, (first) => {
      const message = `the MAC \`${formatMac(member.mac)}\` is ${quote(first.id)}'s already in network ${quote(member.network)}: write ${quote(member.id)}'s own`;
      diagnostics.add("mac-twice", locate(member, "mac"), message, relatedTo(first));
    });
    for (const [index, address] of member.addresses.entries())
      claim(addresses, `${member.network} ${addressKey(address)}`, member, (first) => {
        const message = `the address \`${formatAddress(address)}\` is ${quote(first.id)}'s already in network ${quote(member.network)}: write ${quote(member.id)}'s own`;
        diagnostics.add("address-twice", locate(member, "addresses", index), message, relatedTo(first));
      });
  }
  checkLinkLocal(interfaces, addresses, locate, diagnostics);
}

/** A listed address must not be the one that another interface of the network makes from its MAC. */
function checkLinkLocal(
  interfaces: Iterable<Interface>,
  listed: ReadonlyMap<string, Interface>,
  locate: Locate,
  diagnostics: Diagnostics,
): void {
  for (const member of interfaces) {
    const address = linkLocalAddress(member.mac);
    const key = addressKey(address);
    const holder = listed.get(`${member.network} ${key}`);
    if (holder === undefined || holder.id === member.id) continue;
    const index = holder.addresses.findIndex((own) => addressKey(own) === key);
    const message = `the address \`${formatAddress(address)}\` is ${quote(member.id)}'s link-local address: take it from ${quote(holder.id)}`;
    diagnostics.add("address-twice", locate(holder, "addresses", index), message, relatedTo(member));
  }
}

/** The declared default group of each network; two of one network are reported. */
export function findDefaultGroups(
  groups: Iterable<GroupHead>,
  diagnostics: Diagnostics,
): Map<string, string> {
  const found = new Map<string, GroupHead>();
  for (const head of groups) {
    if (!head.isDefault || head.network === undefined) continue;
    const first = found.get(head.network);
    if (first !== undefined) {
      const message = `network ${quote(head.network)} has two default groups, ${quote(first.id)} and ${quote(head.id)}: leave \`default: true\` out of one`;
      const related = [{ place: first.place, message: "the first one is" }];
      diagnostics.add("default-group", head.place, message, { related });
    }
    found.set(head.network, first ?? head);
  }
  return new Map([...found].map(([network, head]) => [network, head.id]));
}

/** The name of a default group that has to be made must be free. */
export function checkDefaultName(
  network: string,
  groups: ReadonlyMap<string, GroupHead>,
  user: Interface,
  diagnostics: Diagnostics,
): boolean {
  const taken = groups.get(defaultGroupId(network));
  if (taken === undefined) return true;
  const message = `${quote(user.id)} names no group, and ${quote(taken.id)} is not the default group of ${quote(network)}: write \`default: true\` into it, or name a group`;
  const related = [{ place: taken.place, message: "the group is" }];
  diagnostics.add("default-group", user.place, message, { related });
  return false;
}
