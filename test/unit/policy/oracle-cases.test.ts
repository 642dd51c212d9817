import { describe, expect, it } from "vitest";
import type { Direction, Model } from "../../../src/model/model.ts";
import { Oracle } from "../../../src/policy/oracle/oracle.ts";
import { bed, gatewayMac, guestMac } from "../../support/bed.ts";
import {
  arp,
  dhcp,
  ethernet,
  frame,
  hex,
  icmp,
  ipv4,
  ipv6,
  type Layer,
  payload,
  raw,
  routerAdvertisement,
  segment,
  type TcpFields,
  tcp,
  udp,
  vlan,
} from "../../support/packet.ts";

const guest = "192.0.2.11";
const out = (...layers: Layer[]): Uint8Array =>
  frame(ethernet({ source: guestMac, destination: gatewayMac }), ...layers);
const into = (...layers: Layer[]): Uint8Array =>
  frame(ethernet({ source: gatewayMac, destination: guestMac }), ...layers);

/** Judges frames at eni-1 and says "verdict reason session" for each. */
function play(model: Model, settings: ConstructorParameters<typeof Oracle>[1] = {}) {
  const oracle = new Oracle(model, settings);
  const judge = (direction: Direction, bytes: Uint8Array, time = 0): string => {
    const { verdict, reason, session } = oracle.judge("eni-1", direction, bytes, time);
    return `${verdict} ${reason} ${session}`;
  };
  return { oracle, judge };
}

describe("C01: a large DNS answer comes in two fragments", () => {
  const q = hex(
    "0200000000010200000001010800450000390101000040118d3fc000020bc63364359c750035002598d91a2b01000001000000000000076578616d706c65036e65740000ff0001",
  );
  const f1 = hex(
    "0200000001010200000000010800450000344242200040112c03c6336435c000020b00359c75004018231a2b81800001000000000000076578616d706c65036e6574",
  );
  const f2 = hex(
    "0200000001010200000000010800450000344242000440114bffc6336435c000020b0000ff0001000000000000000000000000000000000000000000000000000000",
  );

  it("the second fragment goes the first one's way", () => {
    const { judge } = play(bed());
    expect(judge("egress", q)).toBe("accept default-egress new");
    expect(judge("ingress", f1)).toBe("accept session established");
    expect(judge("ingress", f2)).toBe("accept session established");
  });

  it("a later fragment before its first is dropped, after it it passes", () => {
    const { judge } = play(bed());
    judge("egress", q);
    expect(judge("ingress", f2)).toBe("drop fragment none");
    expect(judge("ingress", f1)).toBe("accept session established");
    expect(judge("ingress", f2, 29)).toBe("accept session established");
    expect(judge("ingress", f2, 31)).toBe("drop fragment none");
  });

  it("another source or identification is another datagram", () => {
    const { judge } = play(bed());
    judge("egress", q);
    judge("ingress", f1);
    const otherSource = Uint8Array.from(f2);
    otherSource[29] = 54;
    const otherIdentification = Uint8Array.from(f2);
    otherIdentification[19] = 0x43;
    expect(judge("ingress", otherSource)).toBe("drop fragment none");
    expect(judge("ingress", otherIdentification)).toBe("drop fragment none");
  });
});

describe("C02: a later fragment dressed as an allowed SYN", () => {
  it("its payload is no transport header", () => {
    const { judge, oracle } = play(bed([{ protocol: "tcp", ports: "80/80", remote: "0.0.0.0/0" }]));
    const bytes = hex(
      "0200000001010200000000010800450000280202004040068c0dc6336442c000020b9c41005000000001000000005002ffff26cf0000",
    );
    expect(judge("ingress", bytes)).toBe("drop fragment none");
    expect(oracle.sessions("eni-1", 0)).toEqual([]);
  });
});

describe("C03: two VLAN tags in front of a forged address", () => {
  const rules = [
    { direction: "egress", policy: "drop", protocol: "udp", ports: "4000/4000", remote: "198.51.100.7/32" },
  ] as const;
  const s = hex(
    "02000000000102000000010188a80064810000c80800450000240003000040118e28c0000263c63364070fa00fa00010468973706f6f66656421",
  );
  const o = hex(
    "02000000000102000000010188a80064810000c80800450000240003000040118e80c000020bc63364070fa00fa00010cdcf6d79206f776e2121",
  );

  it("tags that the interface does not list are unsupported, whatever is inside", () => {
    const { judge } = play(bed(rules));
    expect(judge("egress", s)).toBe("drop unsupported none");
    expect(judge("egress", o)).toBe("drop unsupported none");
  });

  it("listed tags are looked through", () => {
    const { judge } = play(bed(rules, { interface: { vlans: [100, 200] } }));
    expect(judge("egress", s)).toBe("drop spoofed-address none");
    expect(judge("egress", o)).toBe("drop rule none");
  });

  it("so are ARP, a DHCP server's answer and a router advertisement behind tags", () => {
    const { judge } = play(bed([], { interface: { vlans: [100] } }));
    const tagged = (...layers: Layer[]): string => judge("egress", out(vlan({ id: 100 }), ...layers));
    const forged = arp({
      operation: "reply",
      senderMac: guestMac,
      senderAddress: "192.0.2.1",
      targetAddress: "192.0.2.12",
    });
    expect(tagged(forged)).toBe("drop spoofed-address none");
    expect(
      tagged(
        ipv4({ source: guest, destination: "192.0.2.12" }),
        udp({ sourcePort: 67, destinationPort: 68 }),
      ),
    ).toBe("drop dhcp none");
    expect(
      tagged(
        ipv6({ source: "fe80::ff:fe00:101", destination: "ff02::1", hopLimit: 255 }),
        routerAdvertisement(),
      ),
    ).toBe("drop router-advertisement none");
  });

  it("three tags are too many, VLAN 0 is none", () => {
    const { judge } = play(bed([], { interface: { vlans: [1, 2, 3] } }));
    const inside = [
      ipv4({ source: guest, destination: "198.51.100.7" }),
      udp({ sourcePort: 1, destinationPort: 2 }),
    ];
    expect(judge("egress", out(vlan({ id: 1 }), vlan({ id: 2 }), vlan({ id: 3 }), ...inside))).toBe(
      "drop unsupported none",
    );
    expect(judge("egress", out(vlan({ id: 1 }), vlan({ id: 0 }), ...inside))).toBe(
      "accept default-egress new",
    );
    const plain = play(bed());
    expect(plain.judge("egress", out(vlan({ id: 0 }), ...inside))).toBe("accept default-egress new");
    expect(plain.judge("egress", out(vlan({ id: 1 }), ...inside))).toBe("drop unsupported none");
  });
});

/** TCP between the guest's 40443 and 198.51.100.80:443. */
const server = "198.51.100.80";
const fromGuest = (fields: Partial<TcpFields>, data = 0): Uint8Array =>
  out(
    ipv4({ source: guest, destination: server }),
    tcp({ sourcePort: 40443, destinationPort: 443, ...fields }),
    payload(data),
  );
const toGuest = (fields: Partial<TcpFields>, data = 0): Uint8Array =>
  into(
    ipv4({ source: server, destination: guest }),
    tcp({ sourcePort: 443, destinationPort: 40443, ...fields }),
    payload(data),
  );

function shakeHands(
  judge: (direction: Direction, bytes: Uint8Array, time?: number) => string,
  time = 0,
): void {
  expect(judge("egress", fromGuest({ flags: "S", sequence: 1000 }), time)).toBe("accept default-egress new");
  expect(judge("ingress", toGuest({ flags: "SA", sequence: 5000, acknowledgement: 1001 }), time)).toBe(
    "accept session established",
  );
  expect(judge("egress", fromGuest({ sequence: 1001, acknowledgement: 5001 }), time)).toBe(
    "accept session established",
  );
}

describe("C04: 'fragmentation needed' from a router that is not the peer", () => {
  const e1 = hex(
    "020000000101020000000001080045000038000400003c0180b4cb007101c000020b030453e400000578450005dc040440003e064689c000020bc63364509dfb01bb000003e9",
  );
  const e2 = hex(
    "020000000101020000000001080045000038000400003c0180b4cb007101c000020b030453e300000578450005dc040440003e064689c000020bc63364509dfb01bc000003e9",
  );

  it("is related where it quotes a session, and judged by the rules where not", () => {
    const { judge } = play(bed());
    shakeHands(judge);
    expect(judge("ingress", e1)).toBe("accept related related");
    expect(judge("ingress", e2)).toBe("drop no-rule none");
  });

  it("no rule against ICMP stands in its way", () => {
    const { judge } = play(bed([{ policy: "drop", protocol: "icmp", remote: "0.0.0.0/0" }]));
    shakeHands(judge);
    expect(judge("ingress", e1)).toBe("accept related related");
    expect(judge("ingress", e2)).toBe("drop rule none");
  });

  it("the second fragment of an error goes the first's way", () => {
    const { judge } = play(bed());
    shakeHands(judge);
    const ip = { source: "203.0.113.1", destination: guest, identification: 77 };
    const quoted = fromGuest({ sequence: 1001, acknowledgement: 5001 }, 40).slice(14);
    const whole = segment(ipv4(ip), icmp({ type: 3, code: 4, rest: 1400 }), payload(quoted));
    const first = into(ipv4({ ...ip, moreFragments: true }), raw(whole.slice(0, 64), { protocol: 1 }));
    const second = into(ipv4({ ...ip, fragmentOffset: 64 }), raw(whole.slice(64), { protocol: 1 }));
    expect(judge("ingress", second)).toBe("drop fragment none");
    expect(judge("ingress", first)).toBe("accept related related");
    expect(judge("ingress", second)).toBe("accept related related");
  });
});

describe("C05: 'port unreachable' for a live UDP session", () => {
  const q = hex(
    "0200000000010200000001010800450000200005000040118e82c000020bc63364079cbb270f000c70f470696e67",
  );
  const e = hex(
    "02000000010102000000000108004500003c000600003c019275c6336407c000020b0303e9600000000045000020000500003c119282c000020bc63364079cbb270f000c70f470696e67",
  );

  it("is related", () => {
    const { judge } = play(bed());
    expect(judge("egress", q)).toBe("accept default-egress new");
    expect(judge("ingress", e)).toBe("accept related related");
  });

  it("without the question it is nobody's", () => {
    expect(play(bed()).judge("ingress", e)).toBe("drop no-rule none");
  });

  it("refreshes nothing", () => {
    const { judge } = play(bed());
    judge("egress", q);
    expect(judge("ingress", e, 20)).toBe("accept related related");
    expect(judge("ingress", e, 31)).toBe("drop no-rule none");
  });
});

describe("C06: a reset with a wrong sequence number", () => {
  const r = hex(
    "0200000001010200000000010800450000280006000040068e3bc6336450c000020b01bb9dfb35a4e900000000005004000004f60000",
  );
  const d = hex(
    "0200000001010200000000010800450000320007000040068e30c6336450c000020b01bb9dfb00001389000003e95018ffffe83e00007374696c6c2068657265",
  );

  it("passes and changes nothing; the exact one closes", () => {
    const { judge } = play(bed());
    shakeHands(judge);
    expect(judge("ingress", r)).toBe("accept session established");
    expect(judge("ingress", d, 11)).toBe("accept session established");
    expect(judge("ingress", d, 900)).toBe("accept session established");
    expect(judge("ingress", toGuest({ flags: "R", sequence: 5011 }), 901)).toBe("accept session established");
    expect(judge("ingress", d, 912)).toBe("drop no-rule none");
  });

  it("a FIN with a wrong sequence changes nothing, a right one half-closes", () => {
    const { judge } = play(bed());
    shakeHands(judge);
    expect(judge("ingress", toGuest({ flags: "FA", sequence: 900000, acknowledgement: 1001 }))).toBe(
      "accept session established",
    );
    expect(judge("egress", fromGuest({ flags: "FA", sequence: 1001, acknowledgement: 5001 }))).toBe(
      "accept session established",
    );
    expect(judge("ingress", d, 500)).toBe("accept session established");
    expect(judge("ingress", toGuest({ flags: "FA", sequence: 5011, acknowledgement: 1002 }), 501)).toBe(
      "accept session established",
    );
    expect(judge("ingress", d, 512)).toBe("drop no-rule none");
  });
});

describe("C07: the same ports again, right after the close", () => {
  const peer = "198.51.100.5";
  const open = [{ protocol: "tcp", ports: "22/22", remote: "198.51.100.0/24" }] as const;
  const ask = (fields: Partial<TcpFields>): Uint8Array =>
    into(
      ipv4({ source: peer, destination: guest }),
      tcp({ sourcePort: 50022, destinationPort: 22, ...fields }),
    );
  const answer = (fields: Partial<TcpFields>): Uint8Array =>
    out(
      ipv4({ source: guest, destination: peer }),
      tcp({ sourcePort: 22, destinationPort: 50022, ...fields }),
    );

  function liveAndClose(judge: (direction: Direction, bytes: Uint8Array, time?: number) => string): void {
    judge("ingress", ask({ flags: "S", sequence: 100 }));
    judge("egress", answer({ flags: "SA", sequence: 700, acknowledgement: 101 }));
    judge("ingress", ask({ sequence: 101, acknowledgement: 701 }));
    judge("ingress", ask({ flags: "FA", sequence: 101, acknowledgement: 701 }));
    judge("egress", answer({ flags: "FA", sequence: 701, acknowledgement: 102 }));
    expect(judge("ingress", ask({ sequence: 102, acknowledgement: 702 }))).toBe("accept session established");
  }

  it("a SYN opens a new session, with timeouts of its own", () => {
    const { judge } = play(bed(open));
    liveAndClose(judge);
    expect(judge("ingress", ask({ flags: "S", sequence: 90000 }), 1)).toBe("accept rule new");
    expect(judge("egress", answer({ flags: "SA", sequence: 40, acknowledgement: 90001 }), 1)).toBe(
      "accept session established",
    );
    expect(judge("ingress", ask({ sequence: 90001, acknowledgement: 41 }), 1)).toBe(
      "accept session established",
    );
    expect(judge("ingress", ask({ sequence: 90001, acknowledgement: 41 }), 61)).toBe(
      "accept session established",
    );
  });

  it("a rule removed in between counts for the SYN", () => {
    const { judge, oracle } = play(bed(open));
    liveAndClose(judge);
    oracle.change(bed());
    expect(judge("ingress", ask({ flags: "S", sequence: 90000 }), 1)).toBe("drop no-rule none");
  });
});

describe("C08: a guest without any right still gets its lease, and gives none", () => {
  const denied = [{ direction: "egress", policy: "drop", remote: "0.0.0.0/0" }] as const;
  const everyone = "ff:ff:ff:ff:ff:ff";
  const message = (
    layers: { source: string; from: string; to: string; destination: string; ports: [number, number] },
    operation: 1 | 2,
  ): Uint8Array =>
    frame(
      ethernet({ source: layers.source, destination: layers.destination }),
      ipv4({ source: layers.from, destination: layers.to }),
      udp({ sourcePort: layers.ports[0], destinationPort: layers.ports[1] }),
      dhcp({ operation, message: operation === 1 ? 1 : 2, clientMac: guestMac }),
    );
  const discover = message(
    { source: guestMac, destination: everyone, from: "0.0.0.0", to: "255.255.255.255", ports: [68, 67] },
    1,
  );
  const offer = message(
    { source: gatewayMac, destination: everyone, from: "192.0.2.1", to: "255.255.255.255", ports: [67, 68] },
    2,
  );
  const ack = message(
    { source: gatewayMac, destination: guestMac, from: "192.0.2.1", to: guest, ports: [67, 68] },
    2,
  );
  const renew = message(
    { source: guestMac, destination: gatewayMac, from: guest, to: "192.0.2.1", ports: [68, 67] },
    1,
  );
  const serve = message(
    { source: guestMac, destination: everyone, from: guest, to: "255.255.255.255", ports: [67, 68] },
    2,
  );
  const forge = message(
    { source: guestMac, destination: gatewayMac, from: "192.0.2.99", to: "192.0.2.1", ports: [68, 67] },
    1,
  );

  it("1 to 4 pass, being a server and another's address never", () => {
    const { judge } = play(bed(denied));
    expect(judge("egress", discover)).toBe("accept dhcp none");
    expect(judge("ingress", offer)).toBe("accept dhcp none");
    expect(judge("ingress", ack)).toBe("accept dhcp none");
    expect(judge("egress", renew)).toBe("accept dhcp none");
    expect(judge("egress", serve)).toBe("drop dhcp none");
    expect(judge("egress", forge)).toBe("drop spoofed-address none");
  });

  it("a server that did not answer a request is no server", () => {
    const { judge } = play(bed(denied));
    judge("ingress", ack);
    expect(judge("egress", renew)).toBe("drop rule none");
    judge("egress", discover, 100);
    judge("ingress", ack, 161);
    expect(judge("egress", renew, 161)).toBe("drop rule none");
  });

  it("an ARP probe and an announcement pass", () => {
    const { judge } = play(bed(denied));
    const ask = (senderAddress: string): string =>
      judge(
        "egress",
        frame(
          ethernet({ source: guestMac, destination: everyone }),
          arp({ operation: "request", senderMac: guestMac, senderAddress, targetAddress: guest }),
        ),
      );
    expect(ask("0.0.0.0")).toBe("accept arp none");
    expect(ask(guest)).toBe("accept arp none");
    expect(ask("192.0.2.12")).toBe("drop spoofed-address none");
  });
});

describe("C09: the multicast report before duplicate address detection", () => {
  const report = hex(
    "33330000001602000000010186dd600000000024000100000000000000000000000000000000ff0200000000000000000000000000163a000502000001008f006f790000000104000000ff0200000000000000000001ff000011",
  );
  const strict = bed([], { group: { defaultEgress: "drop" } });
  const changed = (change: (bytes: Uint8Array) => void): Uint8Array => {
    const bytes = Uint8Array.from(report);
    change(bytes);
    return bytes;
  };

  it("passes from :: and from the guest's link-local address", () => {
    const { judge } = play(strict);
    expect(judge("egress", report)).toBe("accept neighbour-discovery none");
    const own = changed((bytes) => bytes.set(hex("fe8000000000000000" + "0000fffe000101"), 22));
    expect(judge("egress", own)).toBe("accept neighbour-discovery none");
  });

  it("not with hop limit 64, nor from another's address", () => {
    const { judge } = play(strict);
    expect(
      judge(
        "egress",
        changed((bytes) => bytes.set([64], 21)),
      ),
    ).toBe("drop neighbour-discovery none");
    const other = changed((bytes) => bytes.set(hex("fe8000000000000000" + "0000fffe000102"), 22));
    expect(judge("egress", other)).toBe("drop spoofed-address none");
  });
});

describe("C10: syslog, one direction only", () => {
  it("is one session until it is silent for long, and ends when its rule goes", () => {
    const { judge, oracle } = play(bed([{ protocol: "udp", ports: "514/514", remote: "198.51.100.0/24" }]));
    const log = into(
      ipv4({ source: "198.51.100.9", destination: guest }),
      udp({ sourcePort: 514, destinationPort: 514 }),
    );
    expect(judge("ingress", log, 0)).toBe("accept rule new");
    expect(judge("ingress", log, 10)).toBe("accept session established");
    expect(judge("ingress", log, 20)).toBe("accept session established");
    expect(judge("ingress", log, 65)).toBe("accept rule new");
    expect(oracle.sessions("eni-1", 65)).toHaveLength(1);
    oracle.change(bed());
    expect(judge("ingress", log, 71)).toBe("drop no-rule none");
    expect(judge("ingress", log, 72)).toBe("drop revoked none");
    expect(judge("ingress", log, 102)).toBe("drop no-rule none");
  });
});
