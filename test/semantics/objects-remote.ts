/** docs/semantics.md, "Objects": the ends of a rule. */
import { expect } from "vitest";
import { formatPrefix } from "../../src/model/cidr.ts";
import { does, plays, refuses, refusesRule, type Sentences, takesRule } from "./rows.ts";
import { readRules, writeRules } from "./setting.ts";
import { echo, into, out, protocol, syn, udp } from "./steps.ts";

export const remoteRows: Sentences = {
  "`remote` (the authorization object) is one of": [
    plays("a prefix", { rules: ["ingress accept tcp 80/80 peers"] }, [
      into(syn(80), "accept rule new"),
      into(syn(80), "drop no-rule", { from: "far" }),
    ]),
    plays(
      "a group",
      {
        rules: ["ingress accept tcp 80/80 sg-b"],
        groups: { "sg-b": {} },
        nics: { "eni-3": { groups: ["sg-b"] } },
      },
      [into(syn(80), "accept rule new", { from: "third" }), into(syn(80), "drop no-rule")],
    ),
    plays("its own group", { rules: ["ingress accept tcp 80/80 sg-t"], group: { innerAccess: "drop" } }, [
      into(syn(80), "accept rule new", { from: "mate" }),
      into(syn(80), "drop no-rule"),
    ]),
    plays(
      "a prefix list",
      { rules: ["ingress accept tcp 80/80 pl-a"], lists: { "pl-a": ["peer", "router"] } },
      [
        into(syn(80), "accept rule new"),
        into(syn(80), "accept rule new", { from: "router" }),
        into(syn(80), "drop no-rule", { from: "peer2" }),
      ],
    ),
    refusesRule(
      "a name",
      { remote: "www.example.com" },
      { code: "bad-remote", says: /no authorization object/ },
    ),
    refusesRule(
      "everybody by another word",
      { remote: "any" },
      { code: "bad-remote", says: /write `0.0.0.0\/0`/ },
    ),
    refusesRule("two of them", { remote: ["10.0.0.0/8", "sg-t"] }, { code: "wrong-type", says: /remote/ }),
  ],
  "`local` is a prefix of the protected side": [
    plays("the five-tuple", { rules: ["ingress accept tcp 80/80 peer local=me sourcePortRange=1234/1234"] }, [
      into(syn(80, 1234), "accept rule new"),
      into(syn(80, 1234), "drop no-rule", { on: "eni-2" }),
      into(syn(80, 1235), "drop no-rule"),
    ]),
    plays(
      "of egress it is the source",
      {
        rules: ["egress drop udp -1/-1 any local=vip"],
        nic: { allowedAddressPairs: [{ address: "192.0.2.100" }, { address: "2001:db8:1::100" }] },
      },
      [out(udp("1>2"), "drop rule", { from: "vip" }), out(udp("1>2"), "accept default-egress new")],
    ),
    refusesRule("a group", { local: "sg-t" }, { code: "bad-prefix", says: /`sg-t` is no prefix/ }),
    refusesRule(
      "another family than the remote's",
      { local: "2001:db8::/32" },
      {
        code: "bad-family",
        says: /write prefixes of one family/,
      },
    ),
  ],
  "Host bits are cleared, and said.": [
    does("of remote, local, list and pair, each with the right form", () => {
      const text = writeRules(
        {
          rules: [
            "ingress accept tcp 80/80 198.51.100.7/24 local=192.0.2.11/30",
            "ingress accept all 2001:db8::1/32",
          ],
          lists: { "pl-a": ["203.0.113.9/28"] },
          nic: { allowedAddressPairs: [{ address: "10.0.0.1/8" }] },
        },
        { family: 4, start: 0 },
      );
      const { model, diagnostics } = readRules(text);
      expect(diagnostics.map(({ code, severity, write }) => [code, severity, write])).toEqual([
        ["host-bits", "note", "203.0.113.0/28"],
        ["host-bits", "note", "198.51.100.0/24"],
        ["host-bits", "note", "192.0.2.8/30"],
        ["host-bits", "note", "2001:db8::/32"],
        ["host-bits", "note", "10.0.0.0/8"],
      ]);
      const remotes = model?.groups
        .get("sg-t")
        ?.rules.map(({ remote }) => (remote.kind === "prefix" ? formatPrefix(remote.prefix) : remote.kind));
      expect(remotes).toEqual(["198.51.100.0/24", "2001:db8::/32"]);
    }),
    takesRule("one without host bits is not spoken of", { remote: "198.51.100.0/24" }),
  ],
  "An address without length is refused": [
    refusesRule("IPv4", { remote: "198.51.100.7" }, { code: "bad-prefix", says: /write `198.51.100.7\/32`/ }),
    refusesRule("IPv6", { remote: "2001:db8::7" }, { code: "bad-prefix", says: /write `2001:db8::7\/128`/ }),
    refusesRule("as local", { local: "192.0.2.11" }, { code: "bad-prefix", says: /write `192.0.2.11\/32`/ }),
    refuses(
      "in a list",
      { lists: { "pl-a": ["198.51.100.7"] } },
      {
        code: "bad-prefix",
        says: /write `198.51.100.7\/32`/,
      },
    ),
    takesRule("with its length", { remote: "198.51.100.7/32" }),
  ],
  "`::ffff:0:0/96` and what lies in it is refused.": [
    refusesRule(
      "the whole",
      { remote: "::ffff:0:0/96" },
      { code: "mapped-address", says: /write `0.0.0.0\/0`/ },
    ),
    refusesRule(
      "a part",
      { remote: "::ffff:10.0.0.0/104" },
      { code: "mapped-address", says: /write `10.0.0.0\/8`/ },
    ),
    refuses(
      "an interface's address",
      { nic: { addresses: ["::ffff:192.0.2.9"] } },
      {
        code: "mapped-address",
        says: /write `192.0.2.9`/,
      },
    ),
    takesRule("what covers it is a prefix like others", { remote: "::/0" }),
    takesRule("what lies beside it", { remote: "::fffe:0:0/96" }),
  ],
  "`icmp` with an IPv6 prefix, or `icmpv6` with an IPv4 one": [
    refusesRule(
      "icmp with an IPv6 prefix",
      { protocol: "icmp", portRange: undefined, remote: "::/0" },
      {
        code: "bad-family",
        says: /never has an IPv6 remote: write `protocol: icmpv6`/,
      },
    ),
    refusesRule(
      "icmpv6 with an IPv4 prefix",
      { protocol: "icmpv6", portRange: undefined },
      {
        code: "bad-family",
        says: /never has an IPv4 remote: write `protocol: icmp`/,
      },
    ),
    refusesRule(
      "with a local of the other family",
      {
        protocol: "icmp",
        portRange: undefined,
        remote: "sg-t",
        local: "2001:db8::/32",
      },
      { code: "bad-family", says: /never has an IPv6 local/ },
    ),
    plays(
      "a list of the other family matches nothing",
      {
        rules: ["ingress accept icmpv6 pl-4", "ingress accept icmpv4 pl-6", "ingress accept icmp peer2"],
        lists: { "pl-4": ["0.0.0.0/0"], "pl-6": ["::/0"] },
      },
      [
        into(echo(), "drop no-rule"),
        into(echo(), "accept rule new sg-t 2", { from: "peer2" }),
        into(protocol(47), "drop no-rule"),
      ],
    ),
    plays(
      "a group of members of the other family matches nothing",
      {
        rules: ["ingress accept icmpv6 sg-4", "ingress accept icmpv4 sg-6"],
        group: { innerAccess: "drop" },
        groups: { "sg-4": {}, "sg-6": {} },
        nics: {
          "eni-3": { groups: ["sg-4"], addresses: ["192.0.2.13"] },
          "eni-4": { groups: ["sg-6"], addresses: ["2001:db8:1::14"] },
        },
      },
      [
        into(echo(), "drop no-rule", { from: "third" }),
        into(echo(), "drop no-rule", { from: "fourth" }),
        out(echo(), "accept default-egress new", { to: "third" }),
      ],
    ),
  ],
  "A group without members or a list without entries matches nothing": [
    plays(
      "in accept",
      {
        rules: ["ingress accept all sg-empty", "ingress accept all pl-empty", "ingress accept tcp 80/80 any"],
        ...empty(),
      },
      [into(syn(81), "drop no-rule"), into(syn(80), "accept rule new sg-t 2")],
    ),
    plays(
      "in drop",
      {
        rules: ["egress drop all sg-empty", "egress drop all pl-empty", "egress drop tcp 80/80 any"],
        ...empty(),
      },
      [out(syn(81), "accept default-egress new"), out(syn(80), "drop rule none sg-t 2")],
    ),
  ],
  "A rule that names an unknown group or list is refused.": [
    refusesRule(
      "a group",
      { remote: "sg-tt" },
      { code: "unknown-group", says: /no group `sg-tt`: write `sg-t`/ },
    ),
    refusesRule(
      "a list",
      { remote: "pl-b" },
      {
        code: "unknown-prefix-list",
        says: /no prefix list `pl-b`: write `pl-a`/,
      },
    ),
    takesRule("a known list", { remote: "pl-a" }),
  ],
};

function empty() {
  return { groups: { "sg-empty": {} }, lists: { "pl-empty": [] } };
}
