/** docs/semantics.md, "The order of a verdict": each stage against the next ones. */
import { expect } from "vitest";
import { Reason } from "../../src/kernel/layout.gen.ts";
import { reasons } from "../../src/policy/reason.ts";
import { arpOut } from "./guest-frames.ts";
import { type Chapter, does, plays } from "./rows.ts";
import {
  becomes,
  change,
  handshakeIn,
  into,
  out,
  quoting,
  syn,
  tcp,
  udp,
  unreachable,
  wait,
} from "./steps.ts";

const notReady = "drop not-ready";
const spoofed = "drop spoofed-address";
const session = "accept session established";

export const order: Chapter = {
  heading: "The order of a verdict",
  sentences: {
    "`not-ready` of a removed interface →": [
      plays("a removed interface before malformed, before an unlisted tag", {}, [
        into(tcp("1>2", "SF"), "drop malformed"),
        out(syn(80), "drop unsupported", { vlans: [9] }),
        out(syn(80), "accept default-egress new"),
        becomes("eni-1", "removed"),
        into(tcp("1>2", "SF"), notReady),
        out(syn(80), notReady, { vlans: [9] }),
      ]),
      plays("malformed before unsupported, both before spoofed", {}, [
        out(tcp("1>2", "SF"), "drop malformed", { vlans: [9], from: "mate" }),
        out(syn(80), "drop unsupported", { vlans: [9], from: "mate" }),
        out(syn(80), spoofed, { from: "mate" }),
        out(syn(80), "accept default-egress new"),
      ]),
      plays("the MAC before the address, the address before what is forbidden", {}, [
        out(udp("67>68"), "drop spoofed-mac", { sourceMac: "02:00:00:00:99:99", from: "mate" }),
        out(udp("67>68"), spoofed, { from: "mate" }),
        out(udp("67>68"), "drop dhcp"),
        out(udp("67>69"), "accept default-egress new"),
      ]),
      plays("spoofed before other-mac, other-mac before a session", { rules: ["ingress accept all any"] }, [
        into(syn(22), "accept rule new"),
        into(syn(22), "drop other-mac", { destinationMac: "02:00:00:00:99:99" }),
        into(syn(22), spoofed, { destinationMac: "02:00:00:00:99:99", from: "me" }),
        into(syn(22), session),
      ]),
      plays(
        "spoofed and forbidden before what always works, that before not-ready",
        {},
        [
          becomes("eni-1", "not-ready"),
          arpOut(spoofed, { sender: "mate" }),
          arpOut("accept arp"),
          arpOut("drop rate-limit"),
          out(udp("67>68"), "drop dhcp"),
          out(udp("1>2"), notReady),
        ],
        { families: [4], settings: { alwaysPerSecond: 1 } },
      ),
      plays(
        "not-ready before a fragment, a session and the rules",
        { rules: ["ingress accept all any"] },
        [
          into(syn(22), "accept rule new"),
          becomes("eni-1", "not-ready"),
          into(syn(22), notReady),
          into(udp("1>2"), notReady, { ip4: { fragmentOffset: 64 } }),
          becomes("eni-1", "ready"),
          into(udp("1>2"), "drop fragment", { ip4: { fragmentOffset: 64 } }),
          into(syn(22), session),
        ],
        { families: [4] },
      ),
      plays(
        "a session before a rule that drops all of it",
        { rules: ["ingress accept tcp 22/22 any", "ingress drop tcp 22/22 any priority=2"] },
        [
          ...handshakeIn("accept rule new sg-t 0"),
          into(tcp("50022>22", "A", { sequence: 1001, acknowledgement: 5001 }), session),
          into(syn(23), "drop no-rule"),
        ],
      ),
      plays(
        "revoked before midstream and before a rule of the other direction",
        { rules: ["ingress accept tcp 22/22 any"] },
        [
          ...handshakeIn(),
          change({ rules: ["egress accept all any"] }),
          into(tcp("50022>22", "A"), "drop no-rule"),
          out(tcp("22>50022", "A"), "drop revoked"),
          out(tcp("22>50023", "A"), "drop midstream"),
          wait(1),
          out(syn(80), "accept rule new"),
        ],
        { settings: { midstream: "drop" } },
      ),
      plays("related before a rule against ICMP", { rules: ["ingress drop icmp any"] }, [
        out(udp("1>2"), "accept default-egress new"),
        into(quoting(unreachable, { from: "me", to: "peer", body: udp("1>2") }), "accept related related"),
        into(quoting(unreachable, { from: "me", to: "peer", body: udp("1>3") }), "drop rule"),
      ]),
      plays(
        "midstream before the rules",
        { rules: ["ingress drop tcp 22/22 any", "ingress accept tcp 80/80 any"] },
        [
          into(tcp("1>22", "A"), "drop midstream"),
          into(tcp("1>80", "A"), "drop midstream"),
          into(syn(22), "drop rule"),
          into(syn(80), "accept rule new"),
        ],
        { settings: { midstream: "drop" } },
      ),
    ],
    "The first that decides names the reason": [
      does("the kernel and the rest of the product have one list of reasons", () => {
        const words = Object.entries(Reason).flatMap(([name, value]) =>
          name.startsWith("REASON_")
            ? [[value, name.slice(7).toLowerCase().replaceAll("_", "-")] as const]
            : [],
        );
        const kernel = words
          .filter(([value]) => value < reasons.length)
          .sort(([a], [b]) => Number(a) - Number(b));
        expect(kernel.map(([, name]) => name)).toEqual([...reasons]);
      }),
      plays(
        "a packet that several stages would drop has the first one's",
        { rules: ["ingress drop all any"] },
        [
          into(tcp("1>2", ""), "drop malformed", { from: "me", destinationMac: "02:00:00:00:99:99" }),
          into(syn(2), spoofed, { from: "me", destinationMac: "02:00:00:00:99:99" }),
          into(syn(2), "drop other-mac", { destinationMac: "02:00:00:00:99:99" }),
          into(syn(2), "drop rule"),
          out(syn(2), "accept default-egress new"),
        ],
      ),
    ],
  },
};
