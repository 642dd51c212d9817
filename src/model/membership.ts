/** What has to hold between interfaces: one device, one address, one MAC; and one default group a network. */
import { linkLocalAddress } from "./address.ts";
import { addressKey, formatAddress } from "./cidr.ts";
import type { GroupHead } from "./context.ts";
import type { Diagnostics } from "./diagnostic.ts";
import { formatMac } from "./mac.ts";
import type { Address, Interface, Place } from "./model.ts";
import { defaultGroupId } from "./template.ts";
import { quote } from "./text.ts";

interface Holder {
  readonly id: string;
  readonly place: Place | null;
}

/** Calls `onTwice` where a key has a holder already. */
function claim(
  holders: Map<string, Holder>,
  key: string,
  holder: Holder,
  onTwice: (first: Holder) => void,
): void {
  const first = holders.get(key);
  if (first === undefined) holders.set(key, holder);
  else onTwice(first);
}

function relatedTo(first: Holder) {
  return { related: [{ place: first.place, message: `${quote(first.id)} is` }] };
}

/**
 * Two interfaces of one host never name one device; two of one network never hold one address (the
 * link-local one made from the MAC counts) or MAC. `host`: the name of this host, where it is known.
 */
export function checkInterfaces(
  interfaces: Iterable<Interface>,
  host: string | undefined,
  diagnostics: Diagnostics,
): void {
  const devices = new Map<string, Holder>();
  const macs = new Map<string, Holder>();
  const addresses = new Map<string, Holder>();
  for (const member of interfaces) {
    const hosts = member.hosts.length === 0 ? [host ?? ""] : member.hosts;
    for (const name of hosts) {
      claim(devices, `${name} ${member.device}`, member, (first) => {
        const where = name === "" ? "of this host" : `of host ${quote(name)}`;
        const message = `the device ${quote(member.device)} ${where} is ${quote(first.id)}'s already: write ${quote(member.id)}'s own`;
        diagnostics.add("device-twice", member.place, message, relatedTo(first));
      });
    }
    claim(macs, `${member.network} ${formatMac(member.mac)}`, member, (first) => {
      const message = `the MAC \`${formatMac(member.mac)}\` is ${quote(first.id)}'s already in network ${quote(member.network)}: write ${quote(member.id)}'s own`;
      diagnostics.add("mac-twice", member.place, message, relatedTo(first));
    });
    for (const address of member.addresses) claimAddress(addresses, member, address, diagnostics);
  }
  checkLinkLocal(interfaces, addresses, diagnostics);
}

function claimAddress(
  holders: Map<string, Holder>,
  member: Interface,
  address: Address,
  diagnostics: Diagnostics,
): void {
  claim(holders, `${member.network} ${addressKey(address)}`, member, (first) => {
    const message = `the address \`${formatAddress(address)}\` is ${quote(first.id)}'s already in network ${quote(member.network)}: write ${quote(member.id)}'s own`;
    diagnostics.add("address-twice", member.place, message, relatedTo(first));
  });
}

/** A listed address must not be the one that another interface of the network makes from its MAC. */
function checkLinkLocal(
  interfaces: Iterable<Interface>,
  listed: ReadonlyMap<string, Holder>,
  diagnostics: Diagnostics,
): void {
  for (const member of interfaces) {
    const address = linkLocalAddress(member.mac);
    const holder = listed.get(`${member.network} ${addressKey(address)}`);
    if (holder === undefined || holder.id === member.id) continue;
    const message = `the address \`${formatAddress(address)}\` is ${quote(member.id)}'s link-local address: take it from ${quote(holder.id)}`;
    diagnostics.add("address-twice", holder.place, message, relatedTo(member));
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
