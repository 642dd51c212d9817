import { gatewayMac, guestMac } from "../support/bed.ts";
import { arp, ethernet } from "../support/packet.ts";
import { plays, refuses, type Sentences, takes } from "./rows.ts";
import { change, into, odd, out, syn, udp } from "./steps.ts";

export const placeRows: Sentences = {
  "Two interfaces of one host never name one device": [
    refuses(
      "one device on one host",
      { nics: { "eni-3": { device: "tap-eni-1" } } },
      {
        code: "device-twice",
        says: /`tap-eni-1`.*`eni-1`'s already/,
      },
    ),
    refuses(
      "one device on a host that both name",
      {
        nics: {
          "eni-3": { device: "tap9", host: "kvm-8" },
          "eni-4": { device: "tap9", host: ["here", "kvm-8"] },
        },
      },
      { code: "device-twice", says: /`tap9` of host `kvm-8`/ },
    ),
    takes("one device's name on two hosts", { nics: { "eni-3": { device: "tap-eni-1", host: "kvm-8" } } }),
    refuses(
      "one IPv4 address in one network",
      { nics: { "eni-3": { addresses: ["192.0.2.11"] } } },
      {
        code: "address-twice",
        says: /`192.0.2.11` is `eni-1`'s already/,
      },
    ),
    refuses(
      "one IPv6 address, written another way",
      { nics: { "eni-3": { addresses: ["2001:DB8:1:0::11"] } } },
      {
        code: "address-twice",
        says: /`2001:db8:1::11` is `eni-1`'s already/,
      },
    ),
    refuses(
      "the link-local address that another makes from its MAC",
      {
        nics: { "eni-3": { addresses: ["fe80::ff:fe00:101"] } },
      },
      { code: "address-twice", says: /`fe80::ff:fe00:101` is `eni-1`'s link-local address/ },
    ),
    refuses(
      "one MAC in one network",
      { nics: { "eni-3": { mac: "02:00:00:00:01:01" } } },
      {
        code: "mac-twice",
        says: /`02:00:00:00:01:01` is `eni-1`'s already/,
      },
    ),
    takes("address and MAC again in another network", {
      networks: { "vpc-b": { type: "vpc" } },
      groups: { "sg-b": { network: "vpc-b" } },
      nics: { "eni-3": { network: "vpc-b", groups: ["sg-b"], addresses: ["me"], mac: guestMac } },
    }),
  ],
  "While a guest moves, `host` is a list.": [
    plays("it is judged here, and a member, before, during and after its move", moving("here"), [
      into(syn(80), "accept rule new sg-t 0", { from: "third" }),
      into(syn(22), "accept rule new sg-m 0", { on: "eni-3" }),
      change(moving(["here", "kvm-8"])),
      into(syn(80, 2), "accept rule new sg-t 0", { from: "third" }),
      into(syn(22), "accept session established", { on: "eni-3" }),
      into(syn(23), "drop no-rule", { on: "eni-3" }),
      change(moving("kvm-8")),
      into(syn(80, 3), "accept rule new sg-t 0", { from: "third" }),
      into(syn(80, 3), "drop no-rule", { from: "fourth" }),
    ]),
    refuses("a host twice", { nic: { host: ["kvm-8", "kvm-8"] } }, { code: "listed-twice", says: /`kvm-8`/ }),
  ],
  "With `addresses: []` only its MAC is checked": [
    plays("any address may be sent from its MAC, none from another", nameless(), [
      out(syn(80), "accept default-egress new", { from: "far" }),
      out(syn(80), "accept default-egress new", { from: "mate" }),
      out(syn(80), "drop spoofed-mac", { sourceMac: "02:00:00:00:09:09" }),
      odd(
        "egress",
        () => [
          ethernet({ source: guestMac, destination: "ff:ff:ff:ff:ff:ff" }),
          arp({
            operation: "request",
            senderMac: guestMac,
            senderAddress: "203.0.113.9",
            targetAddress: "192.0.2.1",
          }),
        ],
        "accept arp",
      ),
      odd(
        "egress",
        () => [
          ethernet({ source: guestMac, destination: "ff:ff:ff:ff:ff:ff" }),
          arp({
            operation: "request",
            senderMac: gatewayMac,
            senderAddress: "203.0.113.9",
            targetAddress: "192.0.2.1",
          }),
        ],
        "drop spoofed-mac",
      ),
    ]),
    plays(
      "0.0.0.0 is an address like others",
      nameless(),
      [out(syn(80), "accept default-egress new", { from: "0.0.0.0" })],
      { families: [4] },
    ),
    plays(
      "`::` is an address like others",
      nameless(),
      [out(syn(80), "accept default-egress new", { from: "::" })],
      { families: [6] },
    ),
    plays(
      "as a member it has its link-local address only",
      nameless(),
      [
        into(syn(80), "accept inner-access new", {
          on: "eni-2",
          from: "fe80::ff:fe00:101",
          to: "fe80::ff:fe00:102",
        }),
        into(syn(80), "drop no-rule", { on: "eni-2", from: "me" }),
        into(udp("1>2"), "accept inner-access new", { from: "mate" }),
      ],
      { families: [6] },
    ),
    plays(
      "over IPv4 it is nobody's member",
      nameless(),
      [
        into(syn(80), "drop no-rule", { on: "eni-2", from: "me" }),
        into(syn(80), "accept inner-access new", { from: "mate", to: "me" }),
      ],
      { families: [4] },
    ),
  ],
};

function moving(host: string | readonly string[]) {
  return {
    rules: ["ingress accept tcp 80/80 sg-m"],
    groups: { "sg-m": { rules: ["ingress accept tcp 22/22 any"] } },
    nics: { "eni-3": { host, groups: ["sg-m"] } },
  };
}

function nameless() {
  return { nic: { addresses: [] } };
}
