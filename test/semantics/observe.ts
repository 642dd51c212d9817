/** docs/semantics.md, "Interfaces come and go": groups in mode observe. */
import { plays, type Sentences } from "./rows.ts";
import type { Setting } from "./setting.ts";
import { change, into, out, syn, tcp, udp } from "./steps.ts";

const opened = "accept default-egress new";
const observed = "accept observed new";
const session = "accept session established";

/** eni-1 in sg-t, which enforces, and in sg-w, which observes. */
function mixed(enforced: readonly string[], watched: readonly string[], fields: object = {}): Setting {
  return {
    rules: enforced,
    groups: { "sg-w": { mode: "observe", rules: watched, ...fields } },
    nic: { groups: ["sg-t", "sg-w"] },
  };
}

/** Every group of eni-1 observes. */
const watching = (rules: readonly string[], fields: object = {}): Setting => ({
  rules,
  group: { mode: "observe", ...fields },
});

export const observeRows: Sentences = {
  "(+) A group in mode `observe` is judged and counted.": [
    plays(
      "its rules are judged, in their order, and what they say is said",
      watching(["ingress accept tcp 22/22 any", "ingress drop tcp 80/80 any"]),
      [
        into(syn(22), "accept rule new sg-t 0"),
        into(syn(80), "accept observed new sg-t 1"),
        into(syn(81), "accept observed new"),
        out(syn(80), opened),
        into(tcp("1>2", "SF"), "drop malformed"),
      ],
    ),
    plays("absent, a group enforces", { rules: ["ingress drop tcp 80/80 any"] }, [
      into(syn(80), "drop rule none sg-t 0"),
      out(syn(80), opened),
    ]),
  ],
  "A packet that all groups of an interface together would drop": [
    plays(
      "dropped by an observed rule, accepted by the enforcing groups alone: it passes, marked",
      mixed(["ingress accept tcp 80/81 any priority=2"], ["ingress drop tcp 80/80 any"]),
      [
        into(syn(80), "accept observed new sg-w 0"),
        into(syn(81), "accept rule new sg-t 0"),
        into(syn(82), "drop no-rule"),
        out(tcp("80>40443", "SA"), session),
      ],
    ),
    plays(
      "however many rules are observed behind those that enforce",
      mixed(
        ["egress drop tcp 9/9 any priority=1"],
        Array.from({ length: 100 }, (_, n) => `egress drop tcp ${1000 + n}/${1000 + n} any priority=2`),
      ),
      [
        out(syn(9), "drop rule none sg-t 0"),
        out(syn(1000), "accept observed new sg-w 0"),
        out(syn(1099), "accept observed new sg-w 99"),
        out(syn(1100), opened),
      ],
    ),
    plays(
      "dropped by the enforcing groups too: it is dropped",
      mixed(["ingress drop tcp 80/80 any priority=5"], ["ingress drop tcp 80/80 any"]),
      [into(syn(80), "drop rule none sg-w 0"), out(syn(80), opened)],
    ),
    plays(
      "an observed default of egress",
      mixed([], ["egress accept tcp 443/443 any"], { defaultEgress: "drop" }),
      [out(syn(80), observed), out(syn(443), "accept rule new sg-w 0"), into(syn(80), "drop no-rule")],
    ),
    plays(
      "an enforced default of egress",
      {
        group: { defaultEgress: "drop" },
        groups: { "sg-w": { mode: "observe" } },
        nic: { groups: ["sg-t", "sg-w"] },
      },
      [out(syn(80), "drop default-drop"), out(syn(80), "accept inner-access new", { to: "mate" })],
    ),
    plays(
      "without enforcing groups nothing is dropped by rules",
      watching(["egress drop all any"], { defaultEgress: "drop" }),
      [
        into(syn(80), observed),
        out(syn(80, 2), "accept observed new sg-t 0"),
        out(syn(80), "drop spoofed-address", { from: "mate" }),
        into(tcp("80>2", "SA"), session),
      ],
    ),
    plays("a session that passed as observed ends when the group enforces", watching([]), [
      into(udp("1>2"), observed),
      out(udp("2>1"), session),
      change({}),
      into(udp("1>2"), "drop no-rule"),
      out(udp("2>1"), "drop revoked"),
    ]),
    plays(
      "and goes on when a group that enforced it begins to observe",
      { rules: ["ingress accept udp 2/2 any"] },
      [
        into(udp("1>2"), "accept rule new"),
        change(watching([])),
        into(udp("1>2"), session),
        change({}),
        into(udp("1>2"), "drop no-rule"),
      ],
    ),
  ],
  "Accepts of observed groups count.": [
    plays(
      "what only an observed group accepts passes, by its rule",
      mixed([], ["ingress accept tcp 80/80 any"]),
      [into(syn(80), "accept rule new sg-w 0"), into(syn(81), "drop no-rule")],
    ),
    plays(
      "it outranks an enforced drop of a greater number",
      mixed(
        ["ingress drop tcp 80/80 any priority=2", "ingress drop tcp 81/81 any priority=1"],
        ["ingress accept tcp 80/81 any priority=1"],
      ),
      [into(syn(80), "accept rule new sg-w 0"), into(syn(81), "drop rule none sg-t 1")],
    ),
    plays(
      "inner access by an observed group",
      {
        group: { innerAccess: "drop" },
        groups: { "sg-w": { mode: "observe" } },
        nic: { groups: ["sg-t", "sg-w"] },
        mate: { groups: ["sg-t", "sg-w"] },
        nics: { "eni-3": {} },
      },
      [
        into(syn(80), "accept inner-access new", { from: "mate" }),
        into(syn(80), "drop no-rule", { from: "third" }),
      ],
    ),
  ],
  "Anti-spoofing has its own `observe`.": [
    plays(
      "a group that observes does not loosen it, it does not loosen a group",
      {
        ...watching([]),
        groups: { "sg-e": { rules: ["egress drop tcp 25/25 any"] } },
        mate: { groups: ["sg-e"], antiSpoofing: "observe" },
      },
      [
        out(syn(80), "drop spoofed-address", { from: "mate" }),
        out(syn(25), opened),
        out(syn(80), observed, { on: "eni-2", from: "me" }),
        out(syn(25), "drop rule", { on: "eni-2" }),
        into(syn(80), "drop no-rule", { on: "eni-2" }),
      ],
    ),
  ],
};
