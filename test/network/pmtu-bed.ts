/**
 * A path whose narrow link belongs to neither end:
 *
 *   guest (10.0.0.1, eth0) ── tap1 host up0 ── router ══ narrow ══ server (198.51.100.1)
 *     └── (behind) ══ narrow ══ pod (10.0.9.1): the guest routes for it
 */
import { linesForEverybody } from "../support/rule-lines.ts";
import type { Links, Place } from "./links.ts";

export interface PathBed {
  readonly guest: Place;
  readonly pod: Place;
  readonly host: Place;
  readonly router: Place;
  readonly server: Place;
}

/** Smallest MTUs that are usual: IPv6 has no less than 1280. */
export const narrow = { ipv4: 1000, ipv6: 1280 } as const;
export type Family = keyof typeof narrow;

export const servers = { ipv4: "198.51.100.1", ipv6: "2001:db8:c::1" } as const;
export const pods = { ipv4: "10.0.9.1", ipv6: "2001:db8:9::1" } as const;

/** Rules for TCP and UDP alone; ICMP is nowhere named, and what no rule names is dropped both ways. */
export const rules = `version: 1
networks: {vpc-a: {type: vpc}}
groups:
  sg-t:
    type: basic
    network: vpc-a
    defaultEgress: drop
    rules:
${linesForEverybody(["egress", "ingress"].flatMap((way) => ["tcp", "udp"].map((one) => `${way} accept ${one} 8080/8080`)))}
instances:
  i-1:
    interfaces:
      eni-1:
        device: tap1
        network: vpc-a
        mac: "02:00:00:00:00:01"
        addresses: [10.0.0.1, "2001:db8::1"]
        allowedAddressPairs: [{address: 10.0.9.0/24}, {address: "2001:db8:9::/64"}]
        groups: [sg-t]
`;

type Ends = readonly [ipv4: string, ipv6: string];

/** Joins two places by a subnet of each family: .1 and .2 of prefixes that end before the last number. */
function join(links: Links, near: Place, device: string, far: Place, [ipv4, ipv6]: Ends, mac?: string): void {
  const addresses = (last: number) => [`${ipv4}${last}/24`, `${ipv6}${last}/64`];
  links.connect(
    { place: near, device, addresses: addresses(2) },
    { place: far, device: "eth0", addresses: addresses(1), ...(mac === undefined ? {} : { mac }) },
  );
}

const route = (place: Place, to: Ends, via: Ends): void => {
  place.ip("route", "add", to[0], "via", via[0]);
  place.ip("-6", "route", "add", to[1], "via", via[1]);
};

/** The path at full width. */
export function makePath(links: Links): PathBed {
  const add = (name: string) => links.add(name);
  const bed = {
    guest: add("guest"),
    pod: add("pod"),
    host: add("host"),
    router: add("router"),
    server: add("server"),
  };
  join(links, bed.host, "tap1", bed.guest, ["10.0.0.", "2001:db8::"], "02:00:00:00:00:01");
  join(links, bed.host, "up0", bed.router, ["192.0.2.", "2001:db8:b::"]);
  join(links, bed.router, "narrow", bed.server, ["198.51.100.", "2001:db8:c::"]);
  join(links, bed.guest, "behind", bed.pod, ["10.0.9.", "2001:db8:9::"]);
  for (const place of [bed.guest, bed.host, bed.router]) place.forward();
  route(bed.guest, ["default", "default"], ["10.0.0.2", "2001:db8::2"]);
  route(bed.pod, ["default", "default"], ["10.0.9.2", "2001:db8:9::2"]);
  route(bed.server, ["default", "default"], ["198.51.100.2", "2001:db8:c::2"]);
  route(bed.host, ["default", "default"], ["192.0.2.1", "2001:db8:b::1"]);
  route(bed.host, ["10.0.9.0/24", "2001:db8:9::/64"], ["10.0.0.1", "2001:db8::1"]);
  route(bed.router, ["10.0.0.0/16", "2001:db8::/48"], ["192.0.2.2", "2001:db8:b::2"]);
  route(bed.router, ["10.0.9.0/24", "2001:db8:9::/64"], ["192.0.2.2", "2001:db8:b::2"]);
  return bed;
}

function setWidth(place: Place, device: string, mtu: number, ipv6: string): void {
  place.ip("link", "set", device, "mtu", String(mtu));
  // Below 1280 the kernel takes IPv6 off a device, addresses and all.
  if (mtu >= narrow.ipv6) place.ip("-6", "addr", "replace", ipv6, "dev", device, "nodad");
}

/** Where the link is narrow for a family: at the router, or at the guest that routes for a pod. All else is wide. */
export function setNarrow(bed: PathBed, where: "router" | "guest", family: Family): void {
  const mtu = (narrowed: boolean) => (narrowed ? narrow[family] : 1500);
  setWidth(bed.router, "narrow", mtu(where === "router"), "2001:db8:c::2/64");
  setWidth(bed.guest, "behind", mtu(where === "guest"), "2001:db8:9::2/64");
}

const masquerade = `table inet nat {
  chain out { type nat hook postrouting priority srcnat; oifname "up0" masquerade; }
}
`;

/** The host's own addresses stand in for its guests' towards the router. */
export function setMasquerade(bed: PathBed, on: boolean): void {
  bed.host.run("nft", ["-f", "-"], on ? masquerade : "delete table inet nat\n");
}

const silence = `table inet silent {
  chain out {
    type filter hook output priority filter;
    icmp type destination-unreachable drop
    icmpv6 type packet-too-big drop
  }
}
`;

/** The router keeps the errors to itself that path-MTU discovery lives by. */
export function setSilent(bed: PathBed, on: boolean): void {
  bed.router.run("nft", ["-f", "-"], on ? silence : "delete table inet silent\n");
}

/** Forgets what both ends have learnt of the path. */
export function forgetPaths(bed: PathBed): void {
  for (const place of [bed.guest, bed.pod, bed.host, bed.server]) {
    place.ip("route", "flush", "cache");
    place.ip("-6", "route", "flush", "cache");
    place.ip("tcp_metrics", "flush");
  }
}

/** The MTU of the path to an address as a place has learnt it; null: nothing learnt. */
export function learntMtu(place: Place, address: string): number | null {
  const found = / mtu (\d+)/.exec(place.ip("route", "get", address));
  return found === null ? null : Number(found[1]);
}
