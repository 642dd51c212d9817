/**
 * Every way that a frame takes to a guest, at once: two hosts, five guests, a network behind the hosts' uplinks.
 *
 *   wan (192.0.2.1) ─┬─ up0 a: br0 (10.0.0.254) ─┬─ tap1, tap2: guests 1, 2 (10.0.0.0/24, bridged)
 *                    │        │                  └─ vxlan0 ═══ over up0 ═══╗
 *                    │        └─ tap3, tap4: guests 3, 4 (10.0.1.0/24, routed)
 *                    └─ up0 b: br0 ── vxlan0 ═══════════════════════════════╝ ── tap5: guest 5 (bridged)
 */
import { addBridge, type Links, type Place, setTagsBeside, setUp, switchOffloadsOff } from "./links.ts";

export const bridgedGuests = [1, 2, 5] as const;
export const routedGuests = [3, 4] as const;
export type GuestNumber = (typeof bridgedGuests)[number] | (typeof routedGuests)[number];
export type EndName = GuestNumber | "host" | "wan";
export type HostName = "a" | "b";

export const hostOf = (guest: GuestNumber): HostName => (guest === 5 ? "b" : "a");

export const isGuest = (end: EndName): end is GuestNumber => typeof end === "number";

export const macOf = (guest: GuestNumber): string => `02:00:00:00:00:0${guest}`;

/** What an end is asked at, by family; `quiet`: where the rules refuse echoes, of guests only. */
export interface Addresses {
  readonly main: readonly [ipv4: string, ipv6: string];
  readonly quiet: readonly [ipv4: string, ipv6: string];
}

export function addressesOf(end: EndName): Addresses {
  if (end === "host") return { main: ["10.0.0.254", "2001:db8::fe"], quiet: ["", ""] };
  if (end === "wan") return { main: ["192.0.2.1", "2001:db8:ff::1"], quiet: ["", ""] };
  const subnet = bridgedGuests.some((each) => each === end) ? 0 : 1;
  const ipv6 = subnet === 0 ? "2001:db8::" : "2001:db8:0:1::";
  return {
    main: [`10.0.${subnet}.${end}`, `${ipv6}${end}`],
    quiet: [`10.0.${subnet}.${96 + end}`, `${ipv6}1:${end}`],
  };
}

const uplinkAddresses = {
  a: ["192.0.2.11", "2001:db8:ff::11"],
  b: ["192.0.2.12", "2001:db8:ff::12"],
} as const;

/** The rules as the agent of a host reads them: guests of the other one are known by their addresses only. */
export function writeRules(host: HostName): string {
  const instances = [...bridgedGuests, ...routedGuests].map((guest) => {
    const { main, quiet } = addressesOf(guest);
    const addresses = [...main, ...quiet].map((address) => `"${address}"`).join(", ");
    const place = hostOf(guest) === host ? "" : "host: elsewhere, ";
    return `  i-${guest}: {interfaces: {eni-${guest}: {${place}device: tap${guest}, network: vpc-a, mac: "${macOf(guest)}", addresses: [${addresses}], groups: [sg-t]}}}`;
  });
  const both = (text: string) => ['"0.0.0.0/0"', '"::/0"'].map((remote) => `{${text}, remote: ${remote}}`);
  const accept = (protocol: string, port: number) =>
    both(`direction: ingress, policy: accept, protocol: ${protocol}, portRange: ${port}/${port}`);
  const icmp = (policy: string, version: 4 | 6, local = "") =>
    `{direction: ingress, policy: ${policy}, protocol: ${version === 4 ? "icmp" : "icmpv6"}, portRange: -1/-1, remote: ${version === 4 ? "0.0.0.0/0" : '"::/0"'}${local === "" ? "" : `, local: "${local}"`}}`;
  const rules = [
    ...accept("tcp", 8080),
    ...accept("udp", 9080),
    ...accept("udp", 9082),
    ...both("direction: egress, policy: drop, protocol: udp, portRange: 9082/9082"),
    icmp("accept", 4),
    icmp("accept", 6),
    icmp("drop", 4, "10.0.0.96/27"),
    icmp("drop", 4, "10.0.1.96/27"),
    icmp("drop", 6, "2001:db8::1:0/112"),
    icmp("drop", 6, "2001:db8:0:1::1:0/112"),
  ];
  return [
    "version: 1",
    "networks: {vpc-a: {type: vpc}}",
    "groups:",
    "  sg-t:",
    "    type: basic",
    "    network: vpc-a",
    "    innerAccess: drop",
    "    rules:",
    ...rules.map((rule) => `      - ${rule}`),
    "instances:",
    ...instances,
    "",
  ].join("\n");
}

/** Makes a guest's device pair, tapN at its host and eth0 in its namespace. */
export type Connect = (
  host: { readonly place: Place; readonly device: string },
  guest: { readonly place: Place; readonly device: string },
) => void;

export class HooksBed {
  readonly hosts: Readonly<Record<HostName, Place>>;
  readonly wan: Place;
  readonly guests: ReadonlyMap<GuestNumber, Place>;
  readonly #connect: Connect;

  constructor(links: Links, connect: Connect) {
    this.#connect = connect;
    this.hosts = { a: links.add("a"), b: links.add("b") };
    this.wan = links.add("wan");
    this.guests = new Map(
      [...bridgedGuests, ...routedGuests].map((guest) => [guest, links.add(`g${guest}`)]),
    );
    this.#addWan(links);
    for (const host of ["a", "b"] as const) this.#addBridge(host);
    for (const guest of bridgedGuests) this.#addBridged(guest);
    for (const guest of routedGuests) this.#addRouted(guest);
  }

  placeOf(end: EndName): Place {
    const place = end === "host" ? this.hosts.a : end === "wan" ? this.wan : this.guests.get(end);
    if (place === undefined) throw new Error(`no guest ${end}`);
    return place;
  }

  #addWan(links: Links): void {
    addBridge(this.wan, "br0", ["192.0.2.1/24", "2001:db8:ff::1/64"]);
    for (const host of ["a", "b"] as const) {
      const [ipv4, ipv6] = uplinkAddresses[host];
      links.connect(
        { place: this.hosts[host], device: "up0", addresses: [`${ipv4}/24`, `${ipv6}/64`] },
        { place: this.wan, device: `to-${host}`, bridge: "br0" },
      );
      setTagsBeside(this.hosts[host], "up0", "off");
    }
    this.hosts.a.forward();
    this.hosts.a.ip("route", "add", "default", "via", "192.0.2.1");
    this.hosts.a.ip("-6", "route", "add", "default", "via", "2001:db8:ff::1");
    this.wan.ip("route", "add", "10.0.0.0/23", "via", uplinkAddresses.a[0]);
    this.wan.ip("-6", "route", "add", "2001:db8::/63", "via", uplinkAddresses.a[1]);
  }

  #addBridge(host: HostName): void {
    const place = this.hosts[host];
    addBridge(place, "br0", host === "a" ? ["10.0.0.254/24", "2001:db8::fe/64"] : []);
    const ends = ["local", uplinkAddresses[host][0], "remote", uplinkAddresses[host === "a" ? "b" : "a"][0]];
    place.ip("link", "add", "vxlan0", "type", "vxlan", "id", "7", "dstport", "4789", "dev", "up0", ...ends);
    setUp({ place, device: "vxlan0", bridge: "br0" });
  }

  #addGuest(guest: GuestNumber, bridge?: string): Place {
    const [host, place, device] = [this.hosts[hostOf(guest)], this.placeOf(guest), `tap${guest}`];
    this.#connect({ place: host, device }, { place, device: "eth0" });
    switchOffloadsOff(host, device);
    switchOffloadsOff(place, "eth0");
    setUp({ place: host, device, ...(bridge === undefined ? {} : { bridge }) });
    setUp({ place, device: "eth0", mac: macOf(guest) });
    const { main, quiet } = addressesOf(guest);
    const lengths = bridge === undefined ? ["/32", "/128"] : ["/24", "/64"];
    for (const [version, length] of lengths.entries()) {
      const family = version === 0 ? [] : ["nodad"];
      place.ip("addr", "add", `${main[version]}${length}`, "dev", "eth0", ...family);
      // Deprecated: never chosen as a source.
      const never = version === 0 ? [] : ["preferred_lft", "0"];
      place.ip("addr", "add", `${quiet[version]}${length}`, "dev", "eth0", ...family, ...never);
    }
    return place;
  }

  #addBridged(guest: GuestNumber): void {
    const place = this.#addGuest(guest, "br0");
    place.ip("route", "add", "default", "via", "10.0.0.254");
    place.ip("-6", "route", "add", "default", "via", "2001:db8::fe");
  }

  #addRouted(guest: GuestNumber): void {
    const place = this.#addGuest(guest);
    const host = this.hosts.a;
    const device = ["dev", `tap${guest}`];
    host.ip("addr", "add", "169.254.1.1/32", ...device);
    host.ip("addr", "add", "fe80::1/64", ...device, "nodad");
    const { main, quiet } = addressesOf(guest);
    for (const [ipv4, ipv6] of [main, quiet]) {
      host.ip("route", "add", `${ipv4}/32`, ...device, "src", "10.0.0.254");
      host.ip("-6", "route", "add", `${ipv6}/128`, ...device, "src", "2001:db8::fe");
    }
    place.ip("route", "add", "default", "via", "169.254.1.1", "dev", "eth0", "onlink");
    place.ip("-6", "route", "add", "default", "via", "fe80::1", "dev", "eth0");
  }
}
