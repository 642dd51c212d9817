/**
 * The network tests run twice: as they are, and with `forwarding: direct` (RINGWALL_FORWARDING=direct), where every
 * network asks for it, programs are native, and guests take XDP frames.
 */
import { execFileSync } from "node:child_process";

export const isDirect = process.env.RINGWALL_FORWARDING === "direct";

/** Rules whose networks ask for what this run is about. */
export function askForwarding(text: string): string {
  return isDirect ? text.replaceAll(/(type: (?:vpc|classic))\}/g, "$1, forwarding: direct}") : text;
}

/** What of agent.yaml this run changes. */
export const forwardingConfig = isDirect ? { attach: "native" } : {};

/** A guest's end of a veth takes XDP frames from then on. `namespace`: its name. */
export function takeXdpFrames(namespace: string, device: string): void {
  execFileSync("ip", ["netns", "exec", namespace, "ethtool", "-K", device, "gro", "on"], { stdio: "ignore" });
}

/** Bridged packets of a namespace are no matter of netfilter's. */
export function keepNetfilterOut(namespace: string): void {
  const names = ["iptables", "ip6tables", "arptables"].map((name) => `net.bridge.bridge-nf-call-${name}=0`);
  execFileSync("ip", ["netns", "exec", namespace, "sysctl", "-qw", ...names]);
}
