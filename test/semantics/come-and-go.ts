/** docs/semantics.md, "Interfaces come and go". */
import { expect } from "vitest";
import { digest64 } from "../../src/kernel/digest.ts";
import { InterfaceFlag } from "../../src/kernel/layout.gen.ts";
import { createFakeMaps, Faults } from "../unit/kernel/fake-maps.ts";
import { Host, ifindexOf } from "../unit/kernel/host.ts";
import { announce, arpIn, arpOut, dhcpOut } from "./guest-frames.ts";
import { observeRows } from "./observe.ts";
import { hostMac } from "./places.ts";
import { type Chapter, does, plays, type Row } from "./rows.ts";
import { modelOf } from "./setting.ts";
import { atUplink, becomes, change, into, out, quoting, syn, tcp, udp, unreachable } from "./steps.ts";

const opened = "accept default-egress new";
const notReady = "drop not-ready";
const ssh = { rules: ["ingress accept tcp 22/22 any"] };

const readyRows: readonly Row[] = [
  plays(
    "only what always works passes, then the rules hold",
    ssh,
    [
      becomes("eni-1", "not-ready"),
      into(syn(22), notReady),
      out(syn(80), notReady),
      out(udp("1>2"), notReady),
      arpOut("accept arp"),
      arpIn("accept arp"),
      dhcpOut("accept dhcp"),
      into(syn(22), "accept rule new", { on: "eni-2" }),
      becomes("eni-1", "ready"),
      into(syn(22), "accept rule new"),
      out(syn(80), opened),
    ],
    { families: [4] },
  ),
  plays(
    "over IPv6 too",
    ssh,
    [
      becomes("eni-1", "not-ready"),
      into(syn(22), notReady),
      announce("2001:db8:1::11", "accept neighbour-discovery"),
      announce("2001:db8:1::12", "drop spoofed-address", { from: "me" }),
      becomes("eni-1", "ready"),
      into(syn(22), "accept rule new"),
    ],
    { families: [6] },
  ),
  plays("anti-spoofing holds before", ssh, [
    becomes("eni-1", "not-ready"),
    out(syn(80), "drop spoofed-address", { from: "mate" }),
    out(syn(80), "drop spoofed-mac", { sourceMac: "02:00:00:00:99:99" }),
    out(syn(80), notReady),
    becomes("eni-1", "ready"),
    out(syn(80), opened),
  ]),
  plays(
    "under `onFailure: open` the rest passes as well",
    {},
    [
      becomes("eni-1", "not-ready"),
      into(syn(22), "accept not-ready none"),
      out(syn(80), "accept not-ready none"),
      out(syn(80), "drop spoofed-address", { from: "mate" }),
      becomes("eni-1", "ready"),
      into(syn(22), "drop no-rule"),
    ],
    { settings: { onFailure: "open" } },
  ),
];

/** A host's maps in memory, under a model and then without eni-2. */
async function leave(): Promise<{
  flagsOf: (ifindex: number) => number | undefined;
  devices: readonly number[];
}> {
  const moment = { family: 4, start: 0 } as const;
  const model = modelOf({}, moment);
  const host = new Host(createFakeMaps(new Faults()));
  await host.start();
  await host.apply(model);
  const devices = [...model.interfaces.values()].map(ifindexOf);
  const interfaces = new Map([...model.interfaces].filter(([id]) => id !== "eni-2"));
  await host.apply({ ...model, interfaces });
  expect(host.state.numbers.has(digest64("eni-2"))).toBe(false);
  const flagsOf = (ifindex: number) =>
    host.state.records.get(host.state.devices.get(ifindex) ?? -1)?.struct.flags;
  return { flagsOf, devices };
}

const removedRows: readonly Row[] = [
  plays("it drops everything: sessions, what always works, what rules allow", ssh, [
    into(syn(22), "accept rule new"),
    becomes("eni-1", "removed"),
    into(syn(22), notReady),
    out(tcp("22>40443", "SA"), notReady),
    out(udp("1>2"), notReady),
    arpOut(notReady),
    arpIn(notReady),
    out(syn(80), notReady, { from: "mate" }),
    into(syn(22), "accept rule new", { on: "eni-2" }),
  ]),
  plays("before it is even looked at", ssh, [
    becomes("eni-1", "removed"),
    into(tcp("1>2", "SF"), notReady),
    out(syn(80), notReady, { vlans: [100] }),
    into(tcp("1>2", "SF"), "drop malformed", { on: "eni-2" }),
    into(syn(22), "accept rule new", { on: "eni-2" }),
  ]),
  plays(
    "though operators would let devices without a policy through",
    {},
    [
      becomes("eni-1", "removed"),
      into(syn(22), notReady),
      becomes("eni-2", "not-ready"),
      into(syn(22), "accept not-ready none", { on: "eni-2" }),
    ],
    { settings: { onFailure: "open" } },
  ),
  does("its device keeps a record that says so, others keep their own", async () => {
    const { flagsOf, devices } = await leave();
    const [first = 0, second = 0] = devices;
    expect(flagsOf(second)).toBe(InterfaceFlag.INTERFACE_REMOVED);
    expect((flagsOf(first) ?? 0) & InterfaceFlag.INTERFACE_REMOVED).toBe(0);
  }),
];

const twin = {
  networks: { "vpc-b": { type: "vpc" }, "vpc-c": { type: "vpc" } },
  groups: { "sg-b": { network: "vpc-b" }, "sg-c": { network: "vpc-c" } },
};

const uplinkRows: readonly Row[] = [
  plays("what the interface would drop, sent to its MAC or to the host's", ssh, [
    atUplink(syn(23), "drop"),
    atUplink(syn(23), "drop", { destinationMac: hostMac }),
    atUplink(syn(22), "leave"),
    atUplink(syn(22), "leave", { destinationMac: hostMac }),
    into(syn(22), "accept rule new"),
    into(syn(23), "drop no-rule"),
  ]),
  plays("what it leaves makes no session there, and none is touched", ssh, [
    atUplink(syn(22), "leave"),
    atUplink(tcp("40443>22", "A"), "leave"),
    into(syn(22), "accept rule new"),
    change({}),
    into(tcp("40443>22", "A"), "drop no-rule"),
    atUplink(tcp("40443>22", "A"), "drop"),
  ]),
  plays("only untagged, to such a MAC, to an address that somebody holds", {}, [
    atUplink(syn(22), "drop"),
    atUplink(syn(22), "leave", { vlans: [100] }),
    atUplink(syn(22), "leave", { destinationMac: "02:00:00:00:99:99" }),
    atUplink(syn(22), "leave", { to: "third" }),
    into(syn(22), "drop no-rule"),
    out(syn(22), opened),
  ]),
  plays(
    "never an address that two interfaces of this host hold, nor one of another host's",
    {
      ...twin,
      nics: {
        "eni-3": { network: "vpc-c", groups: ["sg-c"], addresses: ["me"] },
        "eni-4": { host: "kvm-8" },
      },
    },
    [
      atUplink(syn(22), "leave"),
      atUplink(syn(22), "leave", { to: "fourth", destinationMac: hostMac }),
      atUplink(syn(22), "drop", { on: "eni-2" }),
      out(syn(22), opened),
    ],
  ),
  plays(
    "never one of a network that the uplink does not carry",
    {
      ...twin,
      nics: {
        "eni-3": { network: "vpc-b", groups: ["sg-b"] },
        "eni-4": { network: "vpc-c", groups: ["sg-c"] },
      },
    },
    [
      atUplink(syn(22), "leave", { on: "eni-3" }),
      atUplink(syn(22), "drop", { on: "eni-4" }),
      into(syn(22), "drop no-rule", { on: "eni-3" }),
      out(syn(22), opened),
    ],
  ),
  plays("never an address of the host itself", { nic: { addresses: ["me", "far"] } }, [
    atUplink(syn(22), "leave", { to: "far" }),
    atUplink(syn(22), "drop"),
    into(syn(22), "drop no-rule", { to: "far" }),
    out(syn(22), opened),
  ]),
];

export const comeAndGo: Chapter = {
  heading: "Interfaces come and go",
  sentences: {
    "From its attachment on, and until its policy is ready": readyRows,
    "An interface that leaves the model while its device stays": removedRows,
    "An uplink program drops early only what is untagged": uplinkRows,
    "Everything else it leaves to the device.": [
      plays(
        "ARP, what is malformed, multicast, and answers of sessions",
        {},
        [
          out(udp("1000>53"), opened),
          atUplink(udp("53>1000"), "leave"),
          atUplink(udp("53>1001"), "drop"),
          atUplink(quoting(unreachable, { from: "me", to: "peer", body: udp("1000>53") }), "leave"),
          atUplink(tcp("1>2", "SF"), "leave"),
          atUplink(udp("5353>5353"), "leave", { to: "224.0.0.251" }),
          into(udp("53>1001"), "drop no-rule"),
        ],
        { families: [4] },
      ),
      plays(
        "of IPv6 too",
        {},
        [
          out(udp("1000>53"), opened),
          atUplink(udp("53>1000"), "leave"),
          atUplink(udp("53>1001"), "drop"),
          atUplink(tcp("1>2", "SF"), "leave"),
          atUplink(udp("5353>5353"), "leave", { to: "ff02::fb" }),
          into(udp("53>1001"), "drop no-rule"),
        ],
        { families: [6] },
      ),
    ],
    ...observeRows,
  },
};
