/** docs/semantics.md, "Objects": groups and networks. */
import { expect } from "vitest";
import { formatAddress } from "../../src/model/cidr.ts";
import { plays, refuses, type Sentences, takes } from "./rows.ts";
import { change, into, out, syn, udp } from "./steps.ts";

export const groupRows: Sentences = {
  "**Group** `{name, description, type": [
    takes(
      "every key is taken",
      {
        groups: {
          "sg-a": {
            name: "front",
            description: "what the world sees",
            innerAccess: "drop",
            defaultEgress: "drop",
            mode: "observe",
            default: true,
            rules: ["ingress accept tcp 80/80 any"],
            tags: { team: "shop" },
          },
        },
      },
      (model) => {
        expect(model.groups.get("sg-a")).toMatchObject({
          name: "front",
          description: "what the world sees",
          type: "basic",
          network: "vpc-a",
          innerAccess: "drop",
          defaultEgress: "drop",
          mode: "observe",
          isDefault: true,
        });
        expect(model.groups.get("sg-a")?.rules).toHaveLength(1);
        expect(model.groups.get("sg-a")?.tags.get("team")).toBe("shop");
      },
    ),
    takes("only type and network have to be written", { groups: { "sg-a": {} } }, (model) => {
      expect(model.groups.get("sg-a")).toMatchObject({
        innerAccess: "accept",
        defaultEgress: "accept",
        mode: "enforce",
        isDefault: false,
        rules: [],
      });
    }),
    refuses(
      "a group without a type",
      { groups: { "sg-a": { type: undefined } } },
      {
        code: "missing-key",
        says: /`type`/,
      },
    ),
    refuses(
      "another key",
      { groups: { "sg-a": { defaultEgres: "drop" } } },
      {
        code: "unknown-key",
        says: /defaultEgres.*defaultEgress/,
      },
    ),
    refuses(
      "another word",
      { groups: { "sg-a": { mode: "permissive" } } },
      {
        code: "wrong-value",
        says: /permissive.*enforce/,
      },
    ),
  ],
  "Its id begins with `sg-`": [
    takes("with and without an account", { groups: { "sg-a": {}, "1234567890/sg-a": {} } }, (model) => {
      expect([...model.groups.keys()]).toEqual(["sg-t", "sg-a", "1234567890/sg-a"]);
    }),
    refuses(
      "another beginning",
      { groups: { web: {} } },
      { code: "bad-id", says: /begins with `sg-`: write `sg-web`/ },
    ),
    plays(
      "an id with an account is one like any other",
      {
        rules: ["ingress accept tcp 80/80 77/sg-a"],
        groups: { "77/sg-a": { rules: ["ingress accept tcp 22/22 any"] } },
        nics: { "eni-3": { groups: ["77/sg-a"] } },
      },
      [
        into(syn(80), "accept rule new sg-t 0", { from: "third" }),
        into(syn(80), "drop no-rule"),
        into(syn(22), "accept rule new 77/sg-a 0", { on: "eni-3" }),
      ],
    ),
  ],
  "`enterprise` is accepted": [
    takes("and read as advanced", { groups: { "sg-a": { type: "enterprise" } } }, (model) => {
      expect(model.groups.get("sg-a")?.type).toBe("advanced");
    }),
    refuses(
      "with an advanced group's rules",
      {
        groups: { "sg-a": { type: "enterprise", rules: ["ingress drop all any"] } },
      },
      { code: "advanced-group", says: /`policy: drop` in an advanced group/ },
    ),
  ],
  "A group lives in one network.": [
    refuses(
      "none",
      { groups: { "sg-a": { network: undefined } } },
      { code: "missing-key", says: /`network`/ },
    ),
    refuses(
      "two",
      { groups: { "sg-a": { network: ["vpc-a", "vpc-b"] } } },
      {
        code: "wrong-type",
        says: /network/,
      },
    ),
    refuses(
      "one that there is not",
      { groups: { "sg-a": { network: "vpc-b" } } },
      {
        code: "unknown-network",
        says: /there is no network `vpc-b`: write `vpc-a`/,
      },
    ),
  ],
  "An advanced group is VPC only.": [
    takes("in a VPC", { groups: { "sg-a": { type: "advanced" } } }),
    refuses(
      "in a classic network",
      {
        networks: { "net-c": { type: "classic" } },
        groups: { "sg-a": { type: "advanced", network: "net-c" } },
      },
      { code: "advanced-group", says: /classic network/ },
    ),
  ],
};

const twins = {
  networks: { "vpc-b": { type: "vpc" } },
  groups: { "sg-b": { network: "vpc-b", rules: ["ingress accept tcp 81/81 any"] } },
  rules: ["ingress accept tcp 80/80 any"],
  // eni-3 has the addresses of eni-1, eni-4 those of eni-2, in another network of the same host.
  nics: {
    "eni-3": { network: "vpc-b", groups: ["sg-b"], addresses: ["me"] },
    "eni-4": { network: "vpc-b", groups: ["sg-b"], addresses: ["mate"] },
  },
};

/** A second network that nobody is in, and eni-1 in it. */
const lonely = { networks: { "vpc-b": { type: "vpc" } } };
const elsewhere = { groups: { "sg-b": { network: "vpc-b" } }, nic: { network: "vpc-b", groups: ["sg-b"] } };

export const networkRows: Sentences = {
  "**Network** is `{type: vpc}` or `{type: classic}`": [
    takes(
      "both types, forwarding and gateways",
      {
        networks: {
          "net-c": { type: "classic" },
          "vpc-b": { type: "vpc", forwarding: "direct", gateways: ["10.0.0.1", "fe80::1"] },
        },
      },
      (model) => {
        expect(model.networks.get("net-c")).toMatchObject({
          type: "classic",
          forwarding: "kernel",
          gateways: [],
        });
        const network = model.networks.get("vpc-b");
        expect(network?.forwarding).toBe("direct");
        expect(network?.gateways.map(formatAddress)).toEqual(["10.0.0.1", "fe80::1"]);
      },
    ),
    plays(
      "an interface that goes to another network leaves its sessions behind, under `keep` too",
      { rules: ["ingress accept udp 53/53 any"], ...lonely },
      [
        out(udp("40000>53"), "accept default-egress new"),
        into(udp("40001>53"), "accept rule new"),
        change({ rules: ["ingress accept udp 53/53 any"], ...lonely, ...elsewhere }),
        into(udp("53>40000"), "drop no-rule"),
        into(udp("40001>53"), "drop no-rule"),
        out(udp("40000>53"), "accept default-egress new"),
        into(udp("53>40000"), "accept session established"),
        change({ rules: ["ingress accept udp 53/53 any"], ...lonely }),
        into(udp("53>40000"), "drop no-rule"),
        into(udp("40001>53"), "accept rule new"),
      ],
      { settings: { establishedSessions: "keep" } },
    ),
    refuses(
      "another type",
      { networks: { "vpc-b": { type: "vlan" } } },
      { code: "wrong-value", says: /vpc/ },
    ),
    refuses(
      "a gateway as a guest's address",
      {
        networks: { "vpc-a": { type: "vpc", gateways: ["192.0.2.11"] } },
      },
      { code: "gateway-address", says: /`192.0.2.11` is a gateway/ },
    ),
    plays("two networks with the same addresses on one host: rules, members and sessions stay apart", twins, [
      into(syn(80), "accept rule new sg-t 0"),
      into(syn(81), "drop no-rule"),
      into(syn(81), "accept rule new sg-b 0", { on: "eni-3", to: "me" }),
      into(syn(80), "drop no-rule", { on: "eni-3", to: "me" }),
      into(syn(99), "accept inner-access new", { from: "mate" }),
      into(syn(99), "accept inner-access new", { on: "eni-3", from: "mate", to: "me" }),
    ]),
    plays(
      "a member of one network is nobody in another",
      { ...twins, nics: { "eni-3": twins.nics["eni-3"] } },
      [
        into(syn(99), "drop no-rule", { on: "eni-3", from: "mate", to: "me" }),
        into(syn(99), "accept inner-access new", { from: "mate" }),
        out(syn(99, 1), "accept default-egress new", { on: "eni-3", from: "me", to: "mate" }),
      ],
    ),
  ],
};
