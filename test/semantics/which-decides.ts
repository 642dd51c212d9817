/** docs/semantics.md, "Which rule takes effect", 3: which of the rules that match decides. */
import { plays, type Sentences } from "./rows.ts";
import { into, out, syn } from "./steps.ts";

/** 200 rules, every other of which matches a packet to port 22 in one dimension alone. */
const halves = (first: number): readonly string[] =>
  Array.from({ length: 200 }, (_, n) =>
    n % 2 === 0
      ? `ingress accept tcp ${first + n}/${first + n} any priority=2`
      : `ingress accept tcp 22/22 10.${first / 1000}.${n}.0/24 priority=2`,
  );

export const decidingRows: Sentences = {
  "The **smallest priority number** decides.": [
    plays(
      "however many stand before it that match in part",
      {
        rules: ["ingress drop tcp 22/22 peers priority=100"],
        groups: Object.fromEntries([1, 2, 3, 4].map((n) => [`sg-${n}`, { rules: halves(n * 1000) }])),
        nic: { groups: ["sg-t", "sg-1", "sg-2", "sg-3", "sg-4"] },
      },
      [
        into(syn(22), "drop rule none sg-t 0"),
        into(syn(4198), "accept rule new"),
        into(syn(5000), "drop no-rule"),
      ],
      { families: [4] },
    ),
    plays(
      "an accept of 2 yields to a drop of 1, and outranks one of 3",
      {
        rules: [
          "ingress accept tcp 80/81 any priority=2",
          "ingress drop tcp 80/80 any priority=1",
          "ingress drop tcp 81/81 any priority=3",
        ],
      },
      [into(syn(80), "drop rule none sg-t 1"), into(syn(81), "accept rule new sg-t 0")],
    ),
    plays(
      "across groups, and up to 100",
      {
        rules: ["ingress drop tcp 80/81 any priority=100"],
        groups: { "sg-a": { rules: ["ingress accept tcp 80/80 any priority=99"] } },
        nic: { groups: ["sg-t", "sg-a"] },
      },
      [into(syn(80), "accept rule new sg-a 0"), into(syn(81), "drop rule none sg-t 0")],
    ),
  ],
  "At equal priority **drop** decides.": [
    plays(
      "whichever is written first",
      {
        rules: [
          "ingress accept tcp 80/80 any",
          "ingress drop tcp 80/80 any",
          "egress drop tcp 81/81 any",
          "egress accept tcp 81/82 any",
        ],
      },
      [
        into(syn(80), "drop rule none sg-t 1"),
        out(syn(81), "drop rule none sg-t 2"),
        out(syn(82), "accept rule new sg-t 3"),
      ],
    ),
  ],
  "Nothing else has a say: not the length of a prefix": [
    plays(
      "a host's accept does not outrank everybody's drop",
      {
        rules: ["ingress accept tcp 80/81 peer", "ingress drop tcp 80/80 any"],
      },
      [into(syn(80), "drop rule none sg-t 1"), into(syn(81), "accept rule new sg-t 0")],
    ),
    plays(
      "nor the order in which groups are named",
      {
        rules: ["ingress drop tcp 80/80 any"],
        groups: { "sg-a": { rules: ["ingress accept tcp 80/81 any"] } },
        nic: { groups: ["sg-a", "sg-t"] },
        mate: { groups: ["sg-t", "sg-a"] },
      },
      [
        into(syn(80), "drop rule none sg-t 0"),
        into(syn(80), "drop rule none sg-t 0", { on: "eni-2" }),
        into(syn(81), "accept rule new sg-a 0"),
        into(syn(81), "accept rule new sg-a 0", { on: "eni-2" }),
      ],
    ),
    plays(
      "nor that a rule names a group, a list, ports or a source port",
      {
        rules: [
          "ingress accept tcp 80/80 sg-t sourcePortRange=1/65535",
          "ingress accept tcp 80/80 pl-a local=me",
          "ingress drop all any",
        ],
        lists: { "pl-a": ["peer"] },
      },
      [
        into(syn(80), "drop rule none sg-t 2", { from: "mate" }),
        into(syn(80), "drop rule none sg-t 2"),
        out(syn(80), "accept default-egress new"),
      ],
    ),
  ],
};
