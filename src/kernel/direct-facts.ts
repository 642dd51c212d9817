/** What the kernel says of devices on bridges: all that decides whether a frame may go past the bridge. */
import { readFileSync } from "node:fs";
import { isOurFilter } from "./attach-hooks.ts";
import { native, type PortInfo } from "./native.ts";

export interface DirectFacts {
  /** By ifindex. */
  readonly ports: ReadonlyMap<number, PortInfo>;
  /** Devices that take XDP frames; null: the kernel (before 6.3) does not say. */
  readonly xdpTargets: ReadonlySet<number> | null;
  /** Kinds of all queueing disciplines on a device, by ifindex. */
  readonly qdiscs: ReadonlyMap<number, readonly string[]>;
  /** Names of the sysctls by which bridged packets are handed to netfilter. */
  readonly netfilter: readonly string[];
  /** Programs and filters of others at the tc hooks of a device. `ours`: ids of Ringwall's programs. */
  readonly othersAt: (ifindex: number, ours: ReadonlySet<number>) => boolean;
}

const netfilterSysctls = ["iptables", "ip6tables", "arptables"].map((name) => `bridge-nf-call-${name}`);
/** What holds filters of its own at the hooks that XDP, or a redirect, goes past. */
const hookQdiscs: ReadonlySet<string> = new Set(["clsact", "ingress"]);

export function readDirectFacts(): DirectFacts {
  const addon = native();
  const qdiscs = new Map<number, string[]>();
  for (const { ifindex, kind } of addon.listQdiscs())
    qdiscs.set(ifindex, [...(qdiscs.get(ifindex) ?? []), kind]);
  const targets = addon.listXdpTargets();
  return {
    ports: new Map(addon.listPorts().map((port) => [port.ifindex, port])),
    xdpTargets: targets === null ? null : new Set(targets),
    qdiscs,
    netfilter: netfilterSysctls.filter(isSet).map((name) => `net.bridge.${name}`),
    othersAt: (ifindex, ours) => {
      const directions = ["ingress", "egress"] as const;
      const hasHooks = qdiscs.get(ifindex)?.some((kind) => hookQdiscs.has(kind)) ?? false;
      return directions.some(
        (direction) =>
          addon.queryTcx({ ifindex, direction }).some((id) => !ours.has(id)) ||
          (hasHooks && addon.listFilters({ ifindex, direction }).some((one) => !isOurFilter(one))),
      );
    },
  };
}

/** /proc/sys/net is that of the caller's network namespace. */
function isSet(name: string): boolean {
  try {
    return Number(readFileSync(`/proc/sys/net/bridge/${name}`, "utf8")) !== 0;
  } catch (error) {
    // br_netfilter is not there, so nothing is handed on.
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return false;
    throw error;
  }
}
