/** A bridge with nothing at it, and behind its netfilter hooks: nftables, and iptables with ipset. */
import type { Place } from "../../network/links.ts";
import type { Bed } from "./guests.ts";
import type { Lane } from "./lanes.ts";
import { writeIpset, writeIptables } from "./write-iptables.ts";
import { writeNft } from "./write-nft.ts";

/** A bridge, and nothing else. */
export async function openBridge(): Promise<Lane> {
  return { setRules: async () => {}, forget: () => {}, sessionShare: () => null, close: async () => {} };
}

/** Bridged packets go through the host's netfilter, too. */
function callNetfilter(host: Place): void {
  host.sysctl("bridge.bridge-nf-call-iptables=1", "bridge.bridge-nf-call-ip6tables=1");
  // Sessions of a run stay as long as it lasts.
  host.sysctl("netfilter.nf_conntrack_udp_timeout=900", "netfilter.nf_conntrack_udp_timeout_stream=900");
}

const forgetConnections = (host: Place) => () => void host.run("conntrack", ["-F"]);

export async function openNftables({ host }: Bed): Promise<Lane> {
  callNetfilter(host);
  return {
    setRules: async (rules) => void host.run("nft", ["-f", "-"], writeNft(rules)),
    forget: forgetConnections(host),
    sessionShare: () => null,
    close: async () => {},
  };
}

export async function openIptables({ host }: Bed): Promise<Lane> {
  callNetfilter(host);
  return {
    async setRules(rules) {
      host.run("iptables-legacy", ["-F"]);
      host.run("iptables-legacy", ["-X"]);
      host.run("ipset", ["destroy"]);
      host.run("ipset", ["restore"], writeIpset(rules));
      host.run("iptables-legacy-restore", [], writeIptables(rules));
    },
    forget: forgetConnections(host),
    sessionShare: () => null,
    close: async () => {},
  };
}
