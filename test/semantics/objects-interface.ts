/** docs/semantics.md, "Objects": instances and the keys of their interfaces. */
import { expect } from "vitest";
import { formatPrefix } from "../../src/model/cidr.ts";
import type { Interface, Model } from "../../src/model/model.ts";
import { plays, refuses, type Sentences, takes } from "./rows.ts";
import type { Fields } from "./setting.ts";
import { change, into, out, syn, tcp } from "./steps.ts";

const otherMac = "02:00:00:00:05:05";

const everyKey: Fields = {
  host: "kvm-8",
  nicType: "intranet",
  antiSpoofing: "observe",
  allowedAddressPairs: [{ address: "10.1.0.0/16" }, { address: "10.2.0.1", mac: "02:00:00:00:09:09" }],
  vlans: [100],
  etherTypes: [0x88cc],
  sessions: { established: 1024, answered: 512, opening: 512 },
};

function interfaceOf(model: Model, id: string): Interface {
  const found = model.interfaces.get(id);
  if (found === undefined) throw new Error(`no ${id}`);
  return found;
}

export const interfaceRows: Sentences = {
  "**Instance** has one or more **interfaces**": [
    takes("every key is taken", { nics: { "eni-3": everyKey } }, (model) => {
      const own = interfaceOf(model, "eni-3");
      expect(own).toMatchObject({
        instance: "i-eni-3",
        hosts: ["kvm-8"],
        antiSpoofing: "observe",
        vlans: [100],
        etherTypes: [0x88cc],
        sessions: { established: 1024, answered: 512, opening: 512 },
      });
      expect(own.allowedAddressPairs.map(({ prefix, mac }) => [formatPrefix(prefix), mac])).toEqual([
        ["10.1.0.0/16", null],
        ["10.2.0.1/32", 0x020000000909n],
      ]);
    }),
    takes("left out, the rest has its defaults", {}, (model) => {
      expect(interfaceOf(model, "eni-1")).toMatchObject({
        hosts: [],
        nicType: "intranet",
        antiSpoofing: true,
        allowedAddressPairs: [],
        vlans: [],
        etherTypes: [],
        sessions: null,
      });
    }),
    refuses("another key", { nic: { spoofing: false } }, { code: "unknown-key", says: /spoofing/ }),
    refuses(
      "an interface without a MAC",
      { nic: { mac: undefined } },
      { code: "missing-key", says: /`mac`/ },
    ),
    plays(
      "two interfaces of one instance, each with its own groups",
      {
        groups: { "sg-b": { rules: ["ingress accept tcp 81/81 any"] } },
        rules: ["ingress accept tcp 80/80 any"],
        nic: { instance: "i-1" },
        mate: { instance: "i-1", groups: ["sg-b"] },
      },
      [
        into(syn(80), "accept rule new sg-t 0"),
        into(syn(81), "drop no-rule"),
        into(syn(81), "accept rule new sg-b 0", { on: "eni-2" }),
        into(syn(80), "drop no-rule", { on: "eni-2" }),
      ],
    ),
    plays(
      "two interfaces of one instance: what one was asked, the other cannot answer",
      { rules: ["ingress accept tcp 80/80 any"], nic: { instance: "i-1" }, mate: { instance: "i-1" } },
      [
        into(syn(80), "accept rule new"),
        out(tcp("80>40443", "SA", { acknowledgement: 1 }), "drop spoofed-address", {
          on: "eni-2",
          from: "me",
        }),
        out(tcp("80>40443", "SA", { acknowledgement: 1 }), "accept session established"),
      ],
    ),
    plays(
      "its sessions go on when its MAC or device is another",
      { rules: ["ingress accept tcp 80/80 any"] },
      [
        into(syn(80), "accept rule new"),
        change({ rules: ["ingress accept tcp 80/80 any"], nic: { mac: otherMac, device: "tap-other" } }),
        out(tcp("80>40443", "SA", { acknowledgement: 1 }), "drop spoofed-mac"),
        into(syn(80), "drop other-mac"),
        out(tcp("80>40443", "SA", { acknowledgement: 1 }), "accept session established", {
          sourceMac: otherMac,
        }),
      ],
    ),
  ],
  "`device` is the host-side netdev": [
    takes("a tap's or a veth's name, as the kernel takes it", { nic: { device: "vnet0@if7.é" } }),
    refuses(
      "a name that no netdev can have",
      { nic: { device: "tap/1" } },
      { code: "bad-device", says: /tap\/1/ },
    ),
    refuses(
      "a name that is too long",
      { nic: { device: "tap4567890123456" } },
      {
        code: "bad-device",
        says: /at most 15 bytes/,
      },
    ),
  ],
  "An interface belongs to at least one": [
    takes("10 groups", { ...manyGroups(9), nic: { groups: ["sg-t", ...names(9)] } }, (model) => {
      expect(interfaceOf(model, "eni-1").groups).toHaveLength(10);
    }),
    takes("the default group where none is named", { nic: { groups: [] } }, (model) => {
      expect(interfaceOf(model, "eni-1").groups).toEqual(["sg-default-vpc-a"]);
    }),
    refuses(
      "11 groups",
      { ...manyGroups(10), nic: { groups: ["sg-t", ...names(10)] } },
      {
        code: "limit",
        says: /`groupsPerInterface` .* of 10: .*: 11 asked/,
      },
    ),
    refuses(
      "a group of another network",
      {
        networks: { "vpc-b": { type: "vpc" } },
        groups: { "sg-b": { network: "vpc-b" } },
        nic: { groups: ["sg-t", "sg-b"] },
      },
      { code: "other-network", says: /`sg-b` is a group of network `vpc-b`/ },
    ),
    refuses(
      "a basic and an advanced group",
      {
        groups: { "sg-b": { type: "advanced" } },
        nic: { groups: ["sg-t", "sg-b"] },
      },
      { code: "mixed-group-types", says: /`sg-t` is basic and `sg-b` advanced/ },
    ),
  ],
};

function names(count: number): string[] {
  return Array.from({ length: count }, (_, index) => `sg-n${index}`);
}

function manyGroups(count: number) {
  return { groups: Object.fromEntries(names(count).map((id) => [id, {}])) };
}
