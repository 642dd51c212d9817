/** Pairs of devices that join two network namespaces. */
import { execFileSync } from "node:child_process";

export interface VethEnd {
  /** Name of the namespace that it stands in. */
  readonly namespace: string;
  readonly device: string;
  readonly mac?: string | undefined;
  /** Its ifindex, where it must have this one. */
  readonly index?: number | undefined;
}

function describeEnd({ namespace, device, mac, index }: VethEnd): string[] {
  const own = index === undefined ? [] : ["index", String(index)];
  const address = mac === undefined ? [] : ["address", mac];
  return ["name", device, ...own, ...address, "netns", namespace];
}

/** Makes a pair, both of its ends down. Throws with what `ip` said. */
export function addVeth(near: VethEnd, far: VethEnd): void {
  const words = ["link", "add", ...describeEnd(near), "type", "veth", "peer", ...describeEnd(far)];
  execFileSync("ip", words, { stdio: ["ignore", "pipe", "pipe"] });
}
