/** docs/semantics.md, "Objects": protocol, ports and ICMP types of a rule. */
import { expect } from "vitest";
import { firstRule, plays, refusesRule, type Sentences, takesRule } from "./rows.ts";
import { echo, icmpOf, into, out, protocol, syn, udp } from "./steps.ts";

const everyKey = {
  id: "r-1",
  sourcePortRange: "1024/65535",
  priority: 7,
  local: "192.0.2.11/32",
  nicType: "intranet",
  description: "the shop",
  expires: "2031-12-31T18:00:00Z",
};

export const protocolRows: Sentences = {
  "**Rule** `{id?, direction": [
    takesRule("every key is taken", everyKey, (model) => {
      expect(firstRule(model)).toMatchObject({
        id: "r-1",
        direction: "ingress",
        policy: "accept",
        protocol: "tcp",
        ports: { first: 80, last: 80 },
        sourcePorts: { first: 1024, last: 65535 },
        priority: 7,
        nicType: "intranet",
        description: "the shop",
        expires: Date.UTC(2031, 11, 31, 18) / 1000,
        template: false,
      });
    }),
    refusesRule(
      "another key",
      { ports: "80/80" },
      { code: "unknown-key", says: /unknown key `ports`.*portRange/ },
    ),
    refusesRule("no direction", { direction: undefined }, { code: "missing-key", says: /`direction`/ }),
    refusesRule("no policy", { policy: undefined }, { code: "missing-key", says: /`policy`/ }),
    refusesRule("no remote", { remote: undefined }, { code: "missing-key", says: /`remote`/ }),
    refusesRule(
      "TCP without ports",
      { portRange: undefined },
      {
        code: "missing-key",
        says: /`portRange` is missing: write `portRange: 80\/80`/,
      },
    ),
    refusesRule("another policy", { policy: "reject" }, { code: "wrong-value", says: /reject.*drop/ }),
  ],
  "`protocol`: `all | tcp | udp | icmp | icmpv6 | gre`": [
    plays("GRE by name", { rules: ["ingress accept gre any"] }, [
      into(protocol(47), "accept rule new"),
      into(protocol(50), "drop no-rule"),
      into(syn(80), "drop no-rule"),
    ]),
    plays("ESP, VRRP and SCTP by number", { rules: ["ingress accept 50 any", "ingress accept 132 peers"] }, [
      into(protocol(50), "accept rule new sg-t 0"),
      into(protocol(132), "accept rule new sg-t 1"),
      into(protocol(132), "drop no-rule", { from: "far" }),
      into(protocol(112), "drop no-rule"),
    ]),
    plays("the last number", { rules: ["egress drop 255 any"] }, [
      out(protocol(255), "drop rule"),
      out(protocol(254), "accept default-egress new"),
    ]),
    plays(
      "number 0 is no protocol that a packet can have behind IPv6: there it is an extension header",
      {
        rules: ["ingress accept 0 any"],
      },
      [into(protocol(0), "accept rule new"), into(protocol(3), "drop no-rule")],
      { families: [4] },
    ),
    plays(
      "icmp is ICMP of IPv4 only",
      {
        rules: ["ingress accept all 192.0.2.99/32", "ingress accept icmpv4 pl-4"],
        lists: { "pl-4": ["0.0.0.0/0"] },
      },
      [into(echo(), "accept rule new sg-t 1"), into(protocol(58), "drop no-rule")],
      { families: [4] },
    ),
    plays(
      "ICMP's number in IPv6 is a protocol that only `all` matches",
      {
        rules: ["ingress accept icmpv6 any", "ingress accept all peer2"],
      },
      [
        into(echo(), "accept rule new sg-t 0"),
        into(protocol(1), "drop no-rule"),
        into(protocol(1), "accept rule new sg-t 1", { from: "peer2" }),
      ],
      { families: [6] },
    ),
    refusesRule(
      "a number that has a name",
      { protocol: 6 },
      { code: "bad-protocol", says: /has a name.*`tcp`/ },
    ),
    refusesRule("a number above 255", { protocol: 256 }, { code: "bad-protocol", says: /from 0 to 255/ }),
    refusesRule("a name that is none", { protocol: "esp" }, { code: "bad-protocol", says: /`esp`.*`50`/ }),
    refusesRule("ports with a number", { protocol: 132 }, { code: "bad-ports", says: /`132` has no ports/ }),
  ],
  "`all` matches every IP protocol.": [
    plays("with ports and without, known or not", { rules: ["ingress accept all peers"] }, [
      into(syn(80), "accept rule new"),
      into(udp("1>2"), "accept rule new"),
      into(echo(), "accept rule new"),
      into(protocol(47), "accept rule new"),
      into(protocol(253), "accept rule new"),
      into(protocol(253), "drop no-rule", { from: "far" }),
    ]),
  ],
  "`portRange`, `sourcePortRange`: `first/last`": [
    plays(
      "every port, port 0 too",
      { rules: ["ingress accept tcp -1/-1 any", "ingress accept udp 1/65535 any"] },
      [
        into(syn(0), "accept rule new sg-t 0"),
        into(syn(65535, 0), "accept rule new sg-t 0"),
        into(udp("0>1"), "accept rule new sg-t 1"),
        into(udp("1>65535"), "accept rule new sg-t 1"),
        into(udp("1>0"), "drop no-rule"),
      ],
    ),
    plays(
      "source ports: all but 0, or all",
      {
        rules: [
          "ingress accept tcp 80/80 any sourcePortRange=1/1023",
          "ingress accept udp 80/80 any sourcePortRange=-1/-1",
        ],
      },
      [
        into(syn(80, 1023), "accept rule new"),
        into(syn(80, 0), "drop no-rule"),
        into(udp("0>80"), "accept rule new"),
        into(syn(80, 1024), "drop no-rule"),
      ],
    ),
    takesRule("`-1/-1` where there are no ports", { protocol: "gre", portRange: "-1/-1" }),
    refusesRule(
      "a port where there are none",
      { protocol: "all" },
      {
        code: "bad-ports",
        says: /`all` has no ports, write `-1\/-1`/,
      },
    ),
    refusesRule(
      "a source port where there are none",
      { protocol: "icmp", portRange: undefined, sourcePortRange: "8/0" },
      {
        code: "bad-ports",
        says: /`icmp` has no ports.*`icmpType: 8`/,
      },
    ),
    refusesRule(
      "a port beyond the last",
      { portRange: "80/65536" },
      {
        code: "bad-ports",
        says: /ports are 1 to 65535: write `80\/65535`/,
      },
    ),
  ],
  "`80`, `80-90`, `90/80`, `0/0` are refused": [
    ...[
      ["80", /write `80\/80`/],
      ["80-90", /write `80\/90`/],
      ["90/80", /ends before it begins: write `80\/90`/],
      ["0/0", /or `-1\/-1` for every port/],
    ].map(([portRange, says]) =>
      refusesRule(`\`${String(portRange)}\``, { portRange }, { code: "bad-ports", says: says as RegExp }),
    ),
    refusesRule(
      "the same of source ports",
      { sourcePortRange: "80-90" },
      {
        code: "bad-ports",
        says: /write `80\/90`/,
      },
    ),
    takesRule("the right form", { portRange: "80/90" }),
  ],
  "(+) `icmpType`, `icmpCode`": [
    plays(
      "a type, whatever its code; a code of a type",
      {
        rules: ["ingress accept icmp any icmpType=200", "ingress accept icmp any icmpType=201 icmpCode=3"],
      },
      [
        into(icmpOf([200, 200], { code: 7 }), "accept rule none sg-t 0"),
        into(icmpOf([201, 201], { code: 3 }), "accept rule none sg-t 1"),
        into(icmpOf([201, 201], { code: 2 }), "drop no-rule"),
        into(icmpOf([202, 202], { code: 3 }), "drop no-rule"),
      ],
    ),
    plays(
      "type 0 and code 0 are numbers like others",
      {
        rules: [
          "egress drop icmp any icmpType=0 icmpCode=0",
          "egress drop icmp any icmpType=255 icmpCode=255",
        ],
      },
      [
        out(icmpOf([0, 0]), "drop rule none sg-t 0"),
        out(icmpOf([0, 0], { code: 1 }), "accept default-egress none"),
        out(icmpOf([255, 255], { code: 255 }), "drop rule none sg-t 1"),
      ],
    ),
    refusesRule(
      "a code without a type",
      { protocol: "icmp", portRange: undefined, icmpCode: 1 },
      {
        code: "bad-icmp",
        says: /needs its type: write `icmpType` too/,
      },
    ),
    refusesRule("a type of TCP", { icmpType: 8 }, { code: "bad-icmp", says: /`icmpType` with `tcp`/ }),
    refusesRule(
      "a type beyond 255",
      { protocol: "icmp", portRange: undefined, icmpType: 256 },
      {
        code: "wrong-value",
        says: /255/,
      },
    ),
  ],
};
