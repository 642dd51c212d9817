import { describe, expect, it } from "vitest";
import { bed, gatewayMac, guestMac } from "../../support/bed.ts";
import {
  ethernet,
  fragment,
  frame,
  icmp,
  icmpv6,
  ipv4,
  ipv6,
  type Layer,
  payload,
  raw,
  segment,
  tcp,
  udp,
} from "../../support/packet.ts";
import {
  guest4,
  guest6,
  passed,
  peer4,
  peer6,
  play,
  received,
  sent,
  toGuest4,
  toGuest6,
  toPeer4,
  toPeer6,
  udpIn,
  udpOut,
} from "./oracle-play.ts";

const noRule = "drop no-rule none";
const opened = "accept default-egress new";

describe("UDP", () => {
  it("an unanswered session lives 30 s, an answered one 180 s", () => {
    const one = play(bed());
    expect(one.out(udpOut)).toBe(opened);
    expect(one.out(udpOut, 29)).toBe(passed);
    expect(one.into(udpIn, 58)).toBe(passed);
    expect(one.into(udpIn, 58 + 179)).toBe(passed);
    expect(one.into(udpIn, 58 + 179 + 181)).toBe(noRule);
  });

  it("an answer from another address than the one asked is no reply", () => {
    const one = play(bed());
    one.out(
      sent(
        ipv4({ source: guest4, destination: "255.255.255.255" }),
        udp({ sourcePort: 9, destinationPort: 9 }),
      ),
    );
    expect(one.into(received(toGuest4, udp({ sourcePort: 9, destinationPort: 9 })))).toBe(noRule);
  });

  it("each end approves for itself", () => {
    const { oracle } = play(bed([{ direction: "ingress", policy: "drop", remote: "192.0.2.12/32" }]));
    const between = frame(
      ethernet({ source: "02:00:00:00:01:02", destination: guestMac }),
      ipv4({ source: "192.0.2.12", destination: guest4 }),
      udp({ sourcePort: 1, destinationPort: 2 }),
    );
    expect(oracle.judge("eni-2", "egress", between, 0).verdict).toBe("accept");
    expect(oracle.judge("eni-1", "ingress", between, 0).reason).toBe("rule");
  });

  it("a revoked one is forgotten after one timeout", () => {
    const one = play(bed());
    one.out(udpOut);
    one.into(udpIn);
    const deny = bed([{ direction: "egress", policy: "drop", protocol: "udp", remote: "0.0.0.0/0" }]);
    one.oracle.change(deny);
    expect(one.into(udpIn, 1)).toBe("drop rule none");
    expect(one.into(udpIn, 100)).toBe("drop revoked none");
    expect(one.into(udpIn, 180)).toBe("drop revoked none");
    expect(one.into(udpIn, 182)).toBe(noRule);
  });
});

describe("echo and timestamp belong to the asker", () => {
  const kinds = [
    { name: "echo", head: [toPeer4, toGuest4], layer: icmp, request: 8, reply: 0 },
    { name: "timestamp", head: [toPeer4, toGuest4], layer: icmp, request: 13, reply: 14 },
    { name: "ICMPv6 echo", head: [toPeer6, toGuest6], layer: icmpv6, request: 128, reply: 129 },
  ] as const;

  it.each(kinds)(
    "$name: the answer passes, a request of the other side does not",
    ({ head, layer, request, reply }) => {
      const [outward, inward] = head;
      const one = play(bed());
      expect(one.out(sent(outward, layer({ type: request, identifier: 7 })))).toBe(opened);
      expect(one.into(received(inward, layer({ type: reply, identifier: 7 })))).toBe(passed);
      expect(one.into(received(inward, layer({ type: request, identifier: 7 })))).toBe(noRule);
      expect(one.into(received(inward, layer({ type: reply, identifier: 8 })))).toBe(noRule);
    },
  );

  it("both sides may ask with one identifier", () => {
    const one = play(bed([{ protocol: "icmp", remote: "0.0.0.0/0" }]));
    expect(one.out(sent(toPeer4, icmp({ type: 8, identifier: 1 })))).toBe(opened);
    expect(one.into(received(toGuest4, icmp({ type: 8, identifier: 1 })))).toBe("accept rule new");
    expect(one.oracle.sessions("eni-1", 0)).toHaveLength(2);
  });

  it("the asker's own side cannot answer in its session", () => {
    const one = play(
      bed([{ direction: "egress", policy: "drop", protocol: "icmp", icmpType: 0, remote: "0.0.0.0/0" }]),
    );
    one.out(sent(toPeer4, icmp({ type: 8, identifier: 7 })));
    expect(one.out(sent(toPeer4, icmp({ type: 0, identifier: 7 })))).toBe("drop rule none");
  });

  it("an echo's answer is none to a timestamp", () => {
    const one = play(bed());
    one.out(sent(toPeer4, icmp({ type: 8, identifier: 7 })));
    expect(one.into(received(toGuest4, icmp({ type: 14, identifier: 7 })))).toBe(noRule);
  });

  it("an answer without session is judged and makes none, nor do other types", () => {
    const one = play(bed());
    for (const type of [0, 14, 10, 30]) {
      expect(one.out(sent(toPeer4, icmp({ type })))).toBe("accept default-egress none");
    }
    expect(one.oracle.sessions("eni-1", 0)).toEqual([]);
  });

  it("lives 60 s", () => {
    const one = play(bed());
    one.out(sent(toPeer4, icmp({ type: 8 })));
    expect(one.into(received(toGuest4, icmp({ type: 0 })), 59)).toBe(passed);
    expect(one.into(received(toGuest4, icmp({ type: 0 })), 59 + 61)).toBe(noRule);
  });
});

describe("others", () => {
  it("are sessions of address pair and protocol, 300 s", () => {
    const one = play(bed());
    const gre = (head: Layer): Layer[] => [head, raw(new Uint8Array(8), { protocol: 47 })];
    expect(one.out(sent(...gre(toPeer4)))).toBe(opened);
    expect(one.into(received(...gre(toGuest4)), 299)).toBe(passed);
    expect(one.into(received(toGuest4, raw(new Uint8Array(8), { protocol: 50 })), 299)).toBe(noRule);
    expect(one.into(received(...gre(toGuest4)), 299 + 301)).toBe(noRule);
  });
});

describe("an ICMP error is related", () => {
  const quote = (head: Layer, ...layers: Layer[]): Layer => payload(frame(head, ...layers));
  const question = udp({ sourcePort: 40000, destinationPort: 53 });
  const related = "accept related related";

  it.each([3, 11, 12])("type %i of IPv4, from any router", (type) => {
    const one = play(bed());
    one.out(udpOut);
    const router = ipv4({ source: "203.0.113.1", destination: guest4 });
    expect(one.into(received(router, icmp({ type, code: 1 }), quote(toPeer4, question)))).toBe(related);
  });

  it.each([1, 2, 3, 4])("type %i of IPv6", (type) => {
    const one = play(bed());
    one.out(sent(toPeer6, question));
    const router = ipv6({ source: "2001:db8:aaaa::1", destination: guest6 });
    expect(one.into(received(router, icmpv6({ type, rest: 1280 }), quote(toPeer6, question)))).toBe(related);
  });

  it.each([4, 5])("not type %i: quench and redirect", (type) => {
    const one = play(bed());
    one.out(udpOut);
    expect(one.into(received(toGuest4, icmp({ type }), quote(toPeer4, question)))).toBe(noRule);
  });

  it("the guest may send one about what reached it", () => {
    const one = play(
      bed([
        { protocol: "udp", remote: "0.0.0.0/0" },
        { direction: "egress", policy: "drop", remote: "0.0.0.0/0" },
      ]),
    );
    const asked = udp({ sourcePort: 5, destinationPort: 6 });
    one.into(received(toGuest4, asked));
    expect(one.out(sent(toPeer4, icmp({ type: 3, code: 3 }), quote(toGuest4, asked)))).toBe(related);
    expect(one.out(sent(toPeer4, icmp({ type: 3, code: 3 }), quote(toPeer4, asked)))).toBe("drop rule none");
  });

  it("only where its receiver sent the quoted packet", () => {
    const one = play(bed());
    one.out(udpOut);
    const answer = udp({ sourcePort: 53, destinationPort: 40000 });
    expect(one.into(received(toGuest4, icmp({ type: 3 }), quote(toGuest4, answer)))).toBe(noRule);
  });

  it("about echo requests and answers, by who asked", () => {
    const one = play(bed());
    one.out(sent(toPeer4, icmp({ type: 8, identifier: 9 })));
    expect(
      one.into(received(toGuest4, icmp({ type: 11 }), quote(toPeer4, icmp({ type: 8, identifier: 9 })))),
    ).toBe(related);
    expect(
      one.into(received(toGuest4, icmp({ type: 11 }), quote(toPeer4, icmp({ type: 0, identifier: 9 })))),
    ).toBe(noRule);
  });

  it("not to one that is revoked under the present rules", () => {
    const one = play(bed());
    one.out(udpOut);
    const error = received(toGuest4, icmp({ type: 3, code: 3 }), quote(toPeer4, question));
    const deny = bed([{ direction: "egress", policy: "drop", remote: "0.0.0.0/0" }]);
    one.oracle.change(deny);
    expect(one.into(error)).toBe(noRule);
    one.oracle.change(bed());
    expect(one.into(error)).toBe(related);
    one.oracle.change(deny);
    expect(one.out(udpOut)).toBe("drop rule none");
    expect(one.into(error)).toBe(noRule);
  });

  it("not where too little is quoted, or a later fragment", () => {
    const one = play(bed());
    one.out(udpOut);
    const whole = frame(toPeer4, question);
    expect(one.into(received(toGuest4, icmp({ type: 3 }), payload(whole.slice(0, 27))))).toBe(noRule);
    const later = ipv4({ source: guest4, destination: peer4, fragmentOffset: 8 });
    expect(one.into(received(toGuest4, icmp({ type: 3 }), quote(later, question)))).toBe(noRule);
  });

  it("an error about an error is nobody's", () => {
    const one = play(bed());
    one.out(udpOut);
    const inner = frame(toPeer4, icmp({ type: 3 }), quote(toGuest4, question));
    expect(one.into(received(toGuest4, icmp({ type: 3 }), payload(inner)))).toBe(noRule);
  });
});

describe("fragments", () => {
  const pieces = (
    identification: number,
    layers: readonly Layer[],
    cut: number,
    family: 4 | 6 = 4,
  ): readonly [Uint8Array, Uint8Array] => {
    const addresses =
      family === 4 ? { source: guest4, destination: peer4 } : { source: guest6, destination: peer6 };
    const whole = segment(family === 4 ? ipv4(addresses) : ipv6(addresses), ...layers);
    const protocol = layers[0]?.protocol ?? 17;
    const head = (offset: number, more: boolean): Layer[] =>
      family === 4
        ? [ipv4({ ...addresses, identification, fragmentOffset: offset, moreFragments: more })]
        : [ipv6(addresses), fragment({ identification, offset, more })];
    return [
      sent(...head(0, true), raw(whole.slice(0, cut), { protocol })),
      sent(...head(cut, false), raw(whole.slice(cut), { protocol })),
    ];
  };
  const datagram = [udp({ sourcePort: 40000, destinationPort: 53 }), payload(40)];

  it.each([4, 6] as const)("a later one of IPv%i has its first one's verdict, reason and rule", (family) => {
    const rule = {
      direction: "egress",
      protocol: "udp",
      remote: family === 4 ? "0.0.0.0/0" : "::/0",
    } as const;
    const { oracle } = play(bed([rule]));
    const [first, later] = pieces(1, datagram, 24, family);
    const one = oracle.judge("eni-1", "egress", first, 0);
    expect(one).toMatchObject({ reason: "rule", session: "new", rule: { index: 0 } });
    expect(oracle.judge("eni-1", "egress", later, 0)).toEqual({ ...one, session: "established" });
  });

  it("after a dropped one it is dropped", () => {
    const one = play(bed([{ direction: "egress", policy: "drop", protocol: "udp", remote: "0.0.0.0/0" }]));
    const [first, later] = pieces(1, datagram, 24);
    expect(one.out(first)).toBe("drop rule none");
    expect(one.out(later)).toBe("drop fragment none");
  });

  it("a datagram is judged once, even over a change", () => {
    const one = play(bed());
    const [first, later] = pieces(1, datagram, 24);
    one.out(first);
    one.oracle.change(bed([{ direction: "egress", policy: "drop", remote: "0.0.0.0/0" }]));
    expect(one.out(later)).toBe("accept default-egress established");
  });

  it("a new first fragment takes the old one's place", () => {
    const one = play(
      bed([{ direction: "egress", policy: "drop", protocol: "udp", ports: "99/99", remote: "0.0.0.0/0" }]),
    );
    const [first, later] = pieces(1, datagram, 24);
    const [other] = pieces(1, [udp({ sourcePort: 40000, destinationPort: 99 }), payload(40)], 24);
    one.out(first);
    expect(one.out(other)).toBe("drop rule none");
    expect(one.out(later)).toBe("drop fragment none");
  });

  it("one that overlays the transport header is dropped, the next is not", () => {
    const one = play(bed());
    const syn = [tcp({ sourcePort: 1, destinationPort: 80, flags: "S" }), payload(40)];
    const [first, later] = pieces(1, syn, 24);
    const [, overlay] = pieces(1, syn, 16);
    one.out(first);
    expect(one.out(overlay)).toBe("drop fragment none");
    expect(one.out(later)).toBe("accept default-egress established");
  });

  it("a first one without its whole transport header is dropped", () => {
    const one = play(bed());
    const [tiny] = pieces(1, [tcp({ sourcePort: 1, destinationPort: 80, flags: "S" })], 8);
    expect(one.out(tiny)).toBe("drop fragment none");
  });

  it("an atomic one is a whole packet, nested headers are dropped", () => {
    const one = play(bed());
    expect(one.out(sent(toPeer6, fragment({}), ...datagram))).toBe(opened);
    expect(one.out(sent(toPeer6, fragment({}), fragment({}), ...datagram))).toBe("drop fragment none");
  });

  it("the directions do not share a memory", () => {
    const one = play(bed());
    const [first] = pieces(1, datagram, 24);
    one.out(first);
    const same = frame(
      ethernet({ source: gatewayMac, destination: guestMac }),
      ipv4({ source: peer4, destination: guest4, identification: 1, fragmentOffset: 24 }),
      raw(new Uint8Array(8), { protocol: 17 }),
    );
    expect(one.into(same)).toBe("drop fragment none");
  });
});

describe("interfaces come and go", () => {
  it("until its policy is ready only what always works passes", () => {
    const one = play(bed());
    one.oracle.setReady("eni-1", false);
    expect(one.out(udpOut)).toBe("drop not-ready none");
    one.oracle.setReady("eni-1", true);
    expect(one.out(udpOut)).toBe(opened);
  });

  it("under onFailure: open it passes", () => {
    const one = play(bed(), { onFailure: "open" });
    one.oracle.setReady("eni-1", false);
    expect(one.into(udpIn)).toBe("accept not-ready none");
  });

  it("one that leaves the model drops everything, and comes back with nothing", () => {
    const one = play(bed());
    one.out(udpOut);
    one.oracle.change({ ...bed(), interfaces: new Map() });
    expect(one.out(udpOut)).toBe("drop not-ready none");
    expect(one.out(new Uint8Array(3))).toBe("drop not-ready none");
    one.oracle.change(bed());
    expect(one.into(udpIn)).toBe(noRule);
  });

  it("one of another host is never judged", () => {
    const one = play(bed([], { interface: { hosts: ["kvm-8"] } }), { host: "kvm-7" });
    expect(() => one.out(udpOut)).toThrow('never on host "kvm-7"');
  });
});
