import { spawnSync } from "node:child_process";
import { describe, expect, it } from "vitest";
import { buildOpeningFrame } from "../../../src/agent/opening-frame.ts";
import { parseAddress } from "../../../src/model/cidr.ts";
import type { Address } from "../../../src/model/model.ts";

function address(text: string): Address {
  const parsed = parseAddress(text);
  if (!parsed.ok) throw new Error(parsed.problem.message);
  return parsed.value;
}

interface Wanted {
  readonly ends: readonly [string, string];
  readonly protocol: number;
  readonly ports?: readonly [number, number];
  readonly icmp?: readonly [number, number];
}

function build({ ends: [from, to], protocol, ports, icmp }: Wanted): Uint8Array {
  return buildOpeningFrame({
    from: { mac: 0x020000000101n, address: address(from), port: ports?.[0] ?? null },
    to: { mac: 0x020000000102n, address: address(to), port: ports?.[1] ?? null },
    protocol,
    icmpType: icmp?.[0] ?? null,
    icmpCode: icmp?.[1] ?? null,
  });
}

/** What tcpdump, which checks lengths and sums, says of a frame. */
function dissect(frame: Uint8Array): string {
  const header = Buffer.alloc(40);
  header.writeUInt32LE(0xa1b2c3d4, 0);
  header.writeUInt16LE(2, 4);
  header.writeUInt16LE(4, 6);
  header.writeUInt32LE(65535, 16);
  header.writeUInt32LE(1, 20);
  header.writeUInt32LE(frame.length, 32);
  header.writeUInt32LE(frame.length, 36);
  const input = Buffer.concat([header, frame]);
  return spawnSync("tcpdump", ["-envvt", "-r", "-"], { input, encoding: "utf8" }).stdout;
}

const v4 = ["192.0.2.11", "198.51.100.7"] as const;
const v6 = ["2001:db8:1::11", "2001:db8:ffff::7"] as const;

describe("an opening frame", () => {
  it.each<[string, Wanted, RegExp]>([
    [
      "a SYN",
      { ends: v4, protocol: 6, ports: [49152, 80] },
      /192\.0\.2\.11\.49152 > 198\.51\.100\.7\.80: Flags \[S\], cksum 0x\w+ \(correct\)/,
    ],
    [
      "a SYN of IPv6",
      { ends: v6, protocol: 6, ports: [49152, 80] },
      /2001:db8:1::11\.49152 > 2001:db8:ffff::7\.80: Flags \[S\], cksum 0x\w+ \(correct\)/,
    ],
    [
      "a neighbour advertisement about its sender, which never left the link",
      { ends: v6, protocol: 58, icmp: [136, 0] },
      /hlim 255.*\[icmp6 sum ok\] ICMP6, neighbor advertisement, length 24, tgt is 2001:db8:1::11/,
    ],
    [
      "a router solicitation",
      { ends: v6, protocol: 58, icmp: [133, 0] },
      /hlim 255.*\[icmp6 sum ok\] ICMP6, router solicitation, length 8/,
    ],
    [
      "an MLD report",
      { ends: ["fe80::1", "ff02::fb"], protocol: 58, icmp: [131, 0] },
      /hlim 1,.*\[icmp6 sum ok\] ICMP6, multicast listener report.* addr: ff02::fb/,
    ],
    [
      "an IGMP report",
      { ends: ["192.0.2.11", "224.0.0.251"], protocol: 2 },
      /ttl 1,[\s\S]*igmp v2 report 224\.0\.0\.251/,
    ],
    [
      "a datagram",
      { ends: v4, protocol: 17, ports: [53, 5353] },
      /\.53 > 198\.51\.100\.7\.5353: \[udp sum ok\]/,
    ],
    [
      "a datagram of IPv6",
      { ends: v6, protocol: 17, ports: [1, 9999] },
      /::11\.1 > 2001:db8:ffff::7\.9999: \[udp sum ok\]/,
    ],
    ["an echo request", { ends: v4, protocol: 1 }, /ICMP echo request, id 1, seq 1/],
    ["an ICMPv6 echo request", { ends: v6, protocol: 58 }, /\[icmp6 sum ok\] ICMP6, echo request/],
    ["another ICMP type", { ends: v4, protocol: 1, icmp: [13, 0] }, /ICMP time stamp query/],
    ["a protocol without ports", { ends: v4, protocol: 112 }, /proto VRRP \(112\), length 20/],
  ])("is %s with right lengths and sums", (_name, wanted, expected) => {
    const text = dissect(build(wanted));
    expect(text).toMatch(/02:00:00:00:01:01 > 02:00:00:00:01:02/);
    expect(text).toMatch(expected);
    expect(text).not.toMatch(/bad|incorrect|wrong|truncated/);
  });

  it("is found wrong by the same reader when a byte is turned", () => {
    const frame = build({ ends: v4, protocol: 6, ports: [49152, 80] });
    frame[50] = (frame[50] ?? 0) ^ 0xff;
    expect(dissect(frame)).toMatch(/incorrect/);
  });

  it("is long enough for tc's test run", () => {
    expect(build({ ends: v6, protocol: 112 }).length).toBeGreaterThanOrEqual(54);
  });
});
