/** What the host itself has: devices, MACs, addresses. */
import { parseMacBytes } from "./addresses.ts";
import type { HostFacts } from "./engine.ts";
import { keyText } from "./maps.ts";
import { type LinkInfo, native } from "./native.ts";
import type { Uplink } from "./settings.ts";
import type { UplinkDevice } from "./uplinks.ts";

/** By ifindex. */
export function readLinks(): Map<number, LinkInfo> {
  return new Map(
    native()
      .listLinks()
      .map((link) => [link.ifindex, link]),
  );
}

/** `guests`: devices of interfaces, by ifindex: neither uplinks nor the host's own. */
export function readHostFacts(
  uplinks: readonly Uplink[],
  links: ReadonlyMap<number, LinkInfo>,
  guests: ReadonlyMap<number, string>,
): HostFacts {
  const devices: UplinkDevice[] = [];
  for (const { device, networks } of uplinks) {
    const link = [...links.values()].find(({ name }) => name === device);
    if (link !== undefined && !guests.has(link.ifindex)) devices.push({ ifindex: link.ifindex, networks });
  }
  const macs = [...links.values()].flatMap((link) => {
    const bytes = link.loopback || guests.has(link.ifindex) ? null : parseMacBytes(link.mac);
    return bytes === null ? [] : [bytes];
  });
  const addresses = new Set(
    native()
      .listAddresses()
      .flatMap(({ address }) => addressKey(address)),
  );
  return { uplinks: devices, addresses, macs };
}

/**
 * Mapped bytes of an address as the kernel's text says it (inet_ntop), as text; empty for what is none. isIP would ask a pattern
 * that takes 26 ms of a start to compile.
 */
export function addressKey(text: string): readonly string[] {
  const [bare = ""] = text.split("%");
  if (bare.includes(":")) return [keyText(ipv6Bytes(bare))];
  const parts = bare.split(".").map(Number);
  return parts.length === 4
    ? [keyText(Uint8Array.from([...new Array<number>(10).fill(0), 0xff, 0xff, ...parts]))]
    : [];
}

function ipv6Bytes(text: string): Uint8Array {
  const [head = "", tail] = text.split("::");
  const groupsOf = (part: string): number[] => {
    if (part === "") return [];
    return part.split(":").flatMap((group) => {
      if (!group.includes(".")) return [Number.parseInt(group, 16)];
      const [a = 0, b = 0, c = 0, d = 0] = group.split(".").map(Number);
      return [(a << 8) | b, (c << 8) | d];
    });
  };
  const first = groupsOf(head);
  const last = tail === undefined ? [] : groupsOf(tail);
  const zeroes = new Array<number>(Math.max(0, 8 - first.length - last.length)).fill(0);
  const groups = [...first, ...zeroes, ...last];
  return Uint8Array.from(groups.flatMap((group) => [group >> 8, group & 0xff]));
}
