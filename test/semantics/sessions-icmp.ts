/** docs/semantics.md, "Sessions": ICMP, and errors that belong to other sessions. */
import { gatewayMac } from "../support/bed.ts";
import { redirect, sourceLinkLayer } from "../support/packet.ts";
import { plays, type Sentences } from "./rows.ts";
import {
  type Body,
  change,
  echo,
  echoReply,
  handshakeOut,
  icmpOf,
  into,
  out,
  parameterProblem,
  protocol,
  quoting,
  tcp,
  timeExceeded,
  udp,
  unreachable,
  wait,
} from "./steps.ts";

const opened = "accept default-egress new";
const session = "accept session established";
const related = "accept related related";
const noRule = "drop no-rule";

const asked = udp("40000>53");
/** An error about what the guest has asked. */
const about = (types: readonly [number, number], code = 0, body: Body = asked): Body =>
  quoting(types, { from: "me", to: "peer", body }, code);
const tooBig = [3, 2] as const;
const router = { from: "router" };

export const errorRows: Sentences = {
  "**ICMP and ICMPv6 errors** (destination unreachable, every code": [
    ...[0, 1, 2, 3, 4, 5, 6, 7, 13, 15, 255].map((code) =>
      plays(`destination unreachable, code ${code}`, {}, [
        out(asked, opened),
        into(about(unreachable, code), related, router),
        into(about(unreachable, code, udp("40000>54")), noRule, router),
      ]),
    ),
    plays("packet too big, time exceeded and parameter problem, from any router", {}, [
      out(asked, opened),
      into(about(tooBig, 4), related, router),
      into(about(timeExceeded), related, { from: "far" }),
      into(about(parameterProblem), related, { from: "peer2" }),
      into(about(timeExceeded, 1, udp("40001>53")), noRule, router),
    ]),
    plays("about TCP, echo and protocols without ports", {}, [
      ...handshakeOut(),
      out(echo(7), opened),
      out(protocol(47), opened),
      into(about(tooBig, 4, tcp("40443>443", "A")), related, router),
      into(about(tooBig, 4, tcp("40444>443", "A")), noRule, router),
      into(about(timeExceeded, 0, echo(7)), related, router),
      into(about(timeExceeded, 0, echo(8)), noRule, router),
      into(about(timeExceeded, 0, protocol(47)), related, router),
      into(about(timeExceeded, 0, protocol(50)), noRule, router),
    ]),
    plays("about the guest's own answer to an echo", { rules: ["ingress accept icmp any"] }, [
      into(echo(5), "accept rule new"),
      out(echoReply(5), session),
      change({ rules: ["ingress accept icmp peers"] }),
      into(about(timeExceeded, 0, echoReply(5)), related, router),
      into(about(timeExceeded, 0, echo(5)), noRule, router),
    ]),
    plays("only to the one who sent the quoted packet", {}, [
      out(asked, opened),
      into(quoting(unreachable, { from: "peer", to: "me", body: udp("53>40000") }), noRule, router),
      into(about(unreachable), "drop no-rule", { on: "eni-2", from: "router" }),
      into(about(unreachable), related, router),
    ]),
    plays(
      "from the guest, about what the peer asked",
      {
        rules: ["ingress accept udp 53/53 any"],
        group: { defaultEgress: "drop" },
      },
      [
        into(udp("40000>53"), "accept rule new"),
        out(quoting(unreachable, { from: "peer", to: "me", body: udp("40000>53") }), related),
        out(quoting(unreachable, { from: "peer", to: "me", body: udp("40001>53") }), "drop default-drop"),
      ],
    ),
    plays("only while the session is alive", {}, [
      out(asked, opened),
      wait(30),
      into(about(unreachable), noRule, router),
      out(asked, opened),
      into(about(unreachable), related, router),
    ]),
    plays(
      "not when it is revoked under the present rules",
      { rules: ["egress accept udp 53/53 any"], group: { defaultEgress: "drop" } },
      [
        out(asked, "accept rule new"),
        into(about(unreachable), related, router),
        change({ group: { defaultEgress: "drop" } }),
        into(about(unreachable), noRule, router),
      ],
    ),
    plays("they refresh nothing and answer nothing", {}, [
      out(asked, opened),
      wait(29),
      into(about(unreachable), related, router),
      wait(1),
      into(udp("53>40000"), noRule),
    ]),
    plays("they end nothing and change nothing", {}, [
      ...handshakeOut(),
      into(about(unreachable, 3, tcp("40443>443", "A")), related, router),
      wait(900),
      into(tcp("443>40443", "A", { sequence: 5001, acknowledgement: 1001 }), session),
    ]),
    plays(
      "a redirect is never related",
      {},
      [
        out(asked, opened),
        into(quoting([5, 5], { from: "me", to: "peer", body: asked }, 1), noRule, router),
        into(about(unreachable), related, router),
      ],
      { families: [4] },
    ),
    plays(
      "nor is one of IPv6",
      {},
      [
        out(asked, opened),
        into(() => [redirect("fe80::1", "2001:db8:ffff::80", sourceLinkLayer(gatewayMac))], noRule, {
          from: "fe80::1",
          ip6: { hopLimit: 255 },
        }),
        into(about(unreachable), related, router),
      ],
      { families: [6] },
    ),
  ],
  "Errors about nothing known are judged by the rules.": [
    plays("without a rule they are dropped", {}, [
      into(about(unreachable), noRule, router),
      out(about(unreachable), "accept default-egress none"),
    ]),
    plays("with one they pass, and make no session", { rules: ["ingress accept icmp any"] }, [
      into(about(unreachable), "accept rule none", router),
      into(udp("53>40000"), noRule),
    ]),
  ],
  "Echo and timestamp are sessions by identifier": [
    plays("the answer belongs to the asker's session", {}, [
      out(echo(1), opened),
      into(echoReply(1), session),
      into(echoReply(2), noRule),
      out(echo(1), session),
    ]),
    plays("a request from the other side does not", {}, [
      out(echo(1), opened),
      into(echo(1), noRule),
      into(echo(2), noRule),
      into(echoReply(1), session),
    ]),
    plays("two askers with one identifier have two sessions", { rules: ["ingress accept icmp any"] }, [
      out(echo(1), opened),
      into(echo(1), "accept rule new"),
      into(echoReply(1), session),
      out(echoReply(1), session),
      change({}),
      into(echo(1), noRule),
      out(echoReply(1), "drop revoked"),
      into(echoReply(1), session),
    ]),
    plays(
      "timestamp, apart from echo",
      {},
      [
        out(icmpOf([13, 128], { identifier: 1 }), opened),
        into(echoReply(1), noRule),
        into(icmpOf([13, 128], { identifier: 1 }), noRule),
        into(icmpOf([14, 129], { identifier: 1 }), session),
      ],
      { families: [4] },
    ),
  ],
  "Other ICMP types make no session.": [
    plays("each packet is judged by itself", {}, [
      out(icmpOf([15, 200], { identifier: 1 }), "accept default-egress none"),
      into(icmpOf([16, 201], { identifier: 1 }), noRule),
      out(icmpOf([15, 200], { identifier: 1 }), "accept default-egress none"),
    ]),
  ],
};
