import { describe, expect, it } from "vitest";
import {
  checksum,
  ethernet,
  fragment,
  frame,
  hex,
  hopByHop,
  icmp,
  ipv4,
  ipv6,
  join,
  linkLocal,
  mldv2Report,
  multicastMac,
  payload,
  raw,
  routerAlert6,
  segment,
  solicitedNode,
  tcp,
  toHex,
  udp,
  vlan,
} from "../../support/packet.ts";

const guest = "02:00:00:00:01:01";
const gateway = "02:00:00:00:00:01";

describe("stacked frames equal those that others made", () => {
  it("a DNS question", () => {
    const body = hex("1a2b01000001000000000000076578616d706c65036e65740000ff0001");
    const known =
      "0200000000010200000001010800450000390101000040118d3fc000020bc63364359c750035002598d91a2b01000001000000000000076578616d706c65036e65740000ff0001";
    const built = frame(
      ethernet({ source: guest, destination: gateway }),
      ipv4({ source: "192.0.2.11", destination: "198.51.100.53", identification: 0x0101 }),
      udp({ sourcePort: 0x9c75, destinationPort: 53 }),
      payload(body),
    );
    expect(toHex(built)).toBe(known);
  });

  it("a forged datagram behind two VLAN tags", () => {
    const built = frame(
      ethernet({ source: guest, destination: gateway }),
      vlan({ id: 100, tpid: 0x88a8 }),
      vlan({ id: 200 }),
      ipv4({ source: "192.0.2.99", destination: "198.51.100.7", identification: 3 }),
      udp({ sourcePort: 4000, destinationPort: 4000 }),
      payload("spoofed!"),
    );
    expect(toHex(built)).toBe(
      "02000000000102000000010188a80064810000c80800450000240003000040118e28c0000263c63364070fa00fa00010468973706f6f66656421",
    );
  });

  it("an error that quotes a TCP header's first eight bytes", () => {
    const quoted = frame(
      ipv4({
        source: "192.0.2.11",
        destination: "198.51.100.80",
        identification: 0x0404,
        dontFragment: true,
        ttl: 62,
        totalLength: 1500,
      }),
      raw(hex("9dfb01bb000003e9"), { protocol: 6 }),
    );
    const built = frame(
      ethernet({ source: gateway, destination: guest }),
      ipv4({ source: "203.0.113.1", destination: "192.0.2.11", identification: 4, ttl: 60 }),
      icmp({ type: 3, code: 4, rest: 1400 }),
      payload(quoted),
    );
    expect(built.length).toBe(14 + 20 + 8 + 28);
    expect(checksum(built.slice(34))).toBe(0);
  });

  it("the multicast report before duplicate address detection", () => {
    const group = solicitedNode("2001:db8:1::11");
    const built = frame(
      ethernet({ source: guest, destination: multicastMac("ff02::16") }),
      ipv6({ source: "::", destination: "ff02::16", hopLimit: 1 }),
      hopByHop(routerAlert6),
      mldv2Report(group),
    );
    expect(toHex(built)).toBe(
      "33330000001602000000010186dd600000000024000100000000000000000000000000000000ff0200000000000000000000000000163a000502000001008f006f790000000104000000ff0200000000000000000001ff000011",
    );
  });
});

describe("every field may be wrong on purpose", () => {
  it("lengths and checksums are as given", () => {
    const built = frame(
      ipv4({
        source: "192.0.2.1",
        destination: "192.0.2.2",
        totalLength: 7,
        headerLength: 16,
        checksum: 0xbeef,
      }),
      udp({ sourcePort: 1, destinationPort: 2, length: 3, checksum: 4 }),
    );
    expect(toHex(built)).toBe("4400000700000000" + "4011beef" + "c0000201c0000202" + "0001000200030004");
  });

  it("fragments are cut from a segment with the whole's checksum", () => {
    const ip = { source: "2001:db8::1", destination: "2001:db8::2" };
    const whole = segment(ipv6(ip), udp({ sourcePort: 1, destinationPort: 2 }), payload(32));
    const first = frame(
      ipv6(ip),
      fragment({ more: true, identification: 9 }),
      raw(whole.slice(0, 16), { protocol: 17 }),
    );
    const second = frame(
      ipv6(ip),
      fragment({ offset: 16, identification: 9 }),
      raw(whole.slice(16), { protocol: 17 }),
    );
    expect(toHex(join(first.slice(48), second.slice(48)))).toBe(toHex(whole));
    expect(toHex(first.slice(40, 48))).toBe("1100000100000009");
    expect(toHex(second.slice(40, 48))).toBe("1100001000000009");
  });

  it("an unknown TCP flag is refused", () => {
    expect(() => frame(tcp({ sourcePort: 1, destinationPort: 2, flags: "X" }))).toThrow('TCP flag "X"');
  });

  it("a MAC's link-local address has the universal bit turned", () => {
    expect(linkLocal("02:00:00:00:01:01")).toBe("fe80::0:ff:fe00:101");
  });
});
