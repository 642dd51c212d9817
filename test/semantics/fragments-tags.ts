/** docs/semantics.md, "Fragments and odd packets": VLAN tags, and frames that are neither IP nor ARP. */
import { gatewayMac, guest2Mac, guestMac } from "../support/bed.ts";
import { arp, ethernet, type Layer, rarp, raw, vlan } from "../support/packet.ts";
import { plays, type Sentences } from "./rows.ts";
import { into, odd, out, syn, tcp } from "./steps.ts";

const opened = "accept default-egress new";
const unsupported = "drop unsupported";
const broadcast = "ff:ff:ff:ff:ff:ff";
const tagged = {
  nic: { vlans: [100, 200] },
  rules: ["ingress accept tcp 22/22 any", "egress drop tcp 25/25 any"],
};

function arpFrom(address: string, ...tags: readonly number[]): () => readonly Layer[] {
  return () => [
    ethernet({ source: guestMac, destination: broadcast }),
    ...tags.map((id) => vlan({ id })),
    arp({ operation: "request", senderMac: guestMac, senderAddress: address, targetAddress: "192.0.2.1" }),
  ];
}

/** RARP of a guest that has arrived: from this MAC, about that one. */
function arrived(source: string, about: string): () => readonly Layer[] {
  const addresses = { senderAddress: "0.0.0.0", targetAddress: "0.0.0.0" };
  return () => [
    ethernet({ source, destination: broadcast }),
    rarp({ operation: "request", senderMac: about, targetMac: about, ...addresses }),
  ];
}

const lldp =
  (source: string, destination: string, ...tags: readonly number[]) =>
  () => [
    ethernet({ source, destination }),
    ...tags.map((id) => vlan({ id })),
    raw(new Uint8Array(46), { etherType: 0x88cc }),
  ];

export const tagRows: Sentences = {
  "VLAN tags are looked through": [
    plays("rules hold behind one tag and two, in both directions", tagged, [
      into(syn(22), "accept rule new", { vlans: [100] }),
      into(syn(23), "drop no-rule", { vlans: [100] }),
      into(syn(22, 2), "accept rule new", { vlans: [100, 200] }),
      into(syn(23, 2), "drop no-rule", { vlans: [200, 100] }),
      out(syn(25), "drop rule", { vlans: [100, 200] }),
      out(syn(26), opened, { vlans: [100, 200] }),
    ]),
    plays("anti-spoofing holds behind them", tagged, [
      out(syn(26), "drop spoofed-address", { vlans: [100], from: "mate" }),
      out(syn(26), "drop spoofed-address", { vlans: [100, 200], from: "mate" }),
      odd("egress", arpFrom("192.0.2.99", 100, 200), "drop spoofed-address"),
      odd("egress", arpFrom("192.0.2.11", 100, 200), "accept arp"),
    ]),
    plays("a session is the same with a tag and without", tagged, [
      into(syn(22), "accept rule new", { vlans: [100] }),
      out(tcp("22>40443", "SA"), "accept session established"),
      into(syn(23), "drop no-rule"),
    ]),
    plays("three are too many", { nic: { vlans: [1, 2, 3] } }, [
      out(syn(26), unsupported, { vlans: [1, 2, 3] }),
      out(syn(26), opened, { vlans: [1, 2] }),
    ]),
  ],
  "VLAN 0 counts as untagged.": [
    plays("it needs no list", { rules: ["ingress accept tcp 22/22 any"] }, [
      into(syn(22), "accept rule new", { vlans: [0] }),
      into(syn(23), "drop no-rule", { vlans: [0] }),
      out(syn(80), opened, { vlans: [0] }),
      out(syn(80), "drop spoofed-address", { vlans: [0], from: "mate" }),
      odd("egress", arpFrom("192.0.2.11", 0), "accept arp"),
      into(syn(22), unsupported, { vlans: [0, 1] }),
    ]),
  ],
  "A frame with another tag, from or to a guest": [
    plays("without a list every tag", { rules: ["ingress accept all any"] }, [
      into(syn(22), unsupported, { vlans: [100] }),
      out(syn(80), unsupported, { vlans: [100] }),
      odd("egress", arpFrom("192.0.2.11", 100), unsupported),
      out(syn(80), opened),
      into(syn(22), "accept rule new"),
    ]),
    plays("with one, every stack that has another tag", tagged, [
      into(syn(22), unsupported, { vlans: [101] }),
      into(syn(22), unsupported, { vlans: [100, 101] }),
      into(syn(22), unsupported, { vlans: [101, 100] }),
      into(syn(22), "accept rule new", { vlans: [100, 100] }),
    ]),
    plays("with one, a tag of another type (0x9100)", tagged, [
      odd(
        "egress",
        () => [
          ethernet({ source: guestMac, destination: gatewayMac }),
          vlan({ id: 100, tpid: 0x9100 }),
          arp({
            operation: "request",
            senderMac: guestMac,
            senderAddress: "192.0.2.11",
            targetAddress: "192.0.2.1",
          }),
        ],
        unsupported,
      ),
    ]),
    plays("of its interface, not of another", { ...tagged, mate: { vlans: [300] } }, [
      out(syn(26), opened, { vlans: [300], on: "eni-2" }),
      out(syn(26), unsupported, { vlans: [300] }),
      out(syn(26), unsupported, { vlans: [100], on: "eni-2" }),
    ]),
  ],
  "Neither IP nor ARP from or to a guest": [
    plays("LLDP, in both directions", {}, [
      odd("egress", lldp(guestMac, "01:80:c2:00:00:0e"), unsupported),
      odd("ingress", lldp(gatewayMac, guestMac), unsupported),
      out(syn(80), opened),
    ]),
    plays(
      "unless the interface lists the type; from its own MAC, to its own",
      { nic: { etherTypes: [0x88cc] } },
      [
        odd("egress", lldp(guestMac, "01:80:c2:00:00:0e"), "accept ether-type"),
        odd("ingress", lldp(gatewayMac, guestMac), "accept ether-type"),
        odd("egress", lldp(guest2Mac, "01:80:c2:00:00:0e"), "drop spoofed-mac"),
        odd("ingress", lldp(gatewayMac, guest2Mac), "drop other-mac"),
        odd("egress", lldp(guestMac, "01:80:c2:00:00:0e", 100), unsupported),
      ],
    ),
    plays("RARP with the guest's own MAC counts as ARP", {}, [
      odd("egress", arrived(guestMac, guestMac), "accept arp"),
      odd("egress", arrived(guestMac, guest2Mac), unsupported),
      odd("egress", arrived(guest2Mac, guest2Mac), unsupported),
      odd("ingress", arrived(gatewayMac, guestMac), "accept arp"),
      odd("ingress", arrived(guest2Mac, guest2Mac), unsupported),
    ]),
  ],
};
