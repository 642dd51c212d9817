import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { linkLocalAddress } from "../../../src/model/address.ts";
import {
  formatAddress,
  formatPrefix,
  parseAddress,
  parseAddressOrPrefix,
  parsePrefix,
  prefixCovers,
  prefixMask,
} from "../../../src/model/cidr.ts";
import type { Parsed } from "../../../src/model/diagnostic.ts";
import { formatMac, parseMac } from "../../../src/model/mac.ts";
import type { Family, Prefix } from "../../../src/model/model.ts";
import { nearestWord } from "../../../src/model/nearest.ts";
import { formatPortRange, parsePortRange } from "../../../src/model/ports.ts";
import { parseProtocol } from "../../../src/model/protocol.ts";
import { checkId, checkText, quote } from "../../../src/model/text.ts";
import { formatTime, parseTime } from "../../../src/model/time.ts";
import { seed } from "../../support/seed.ts";

/** The value, or the right form that a refusal names. */
function answer<T>(parsed: Parsed<T>): T | string | null {
  return parsed.ok ? parsed.value : parsed.problem.write;
}
const written = (parsed: Parsed<unknown>) => (parsed.ok ? "accepted" : parsed.problem.write);

const prefixes: fc.Arbitrary<Prefix> = fc
  .constantFrom<Family>(4, 6)
  .chain((family) => {
    const bits = family === 4 ? 32 : 128;
    return fc.record({
      family: fc.constant(family),
      bits: fc.bigInt({ min: 0n, max: (1n << BigInt(bits)) - 1n }),
      length: fc.integer({ min: 0, max: bits }),
    });
  })
  .map((prefix) => ({ ...prefix, bits: prefix.bits & prefixMask(prefix.family, prefix.length) }))
  .filter(({ family, bits }) => family === 4 || bits >> 32n !== 0xffffn);

describe("addresses and prefixes", () => {
  it("of both families go to text and back", () => {
    fc.assert(
      fc.property(prefixes, (prefix) => {
        expect(parsePrefix(formatPrefix(prefix))).toEqual({ ok: true, value: { prefix, cleared: false } });
        const { family, bits } = prefix;
        expect(parseAddress(formatAddress(prefix))).toEqual({ ok: true, value: { family, bits } });
      }),
      { seed },
    );
  });

  it("are written as RFC 5952 says", () => {
    const canonical = (text: string) => {
      const parsed = parseAddress(text);
      return parsed.ok ? formatAddress(parsed.value) : null;
    };
    expect(canonical("2001:0DB8:0:0:1:0:0:1")).toBe("2001:db8::1:0:0:1");
    expect(canonical("2001:db8:0:1:1:1:1:1")).toBe("2001:db8:0:1:1:1:1:1");
    expect(canonical("0:0:0:0:0:0:0:0")).toBe("::");
    expect(canonical("1:0:0:0:0:0:0:0")).toBe("1::");
    expect(canonical("64:ff9b::192.0.2.1")).toBe("64:ff9b::c000:201");
  });

  it.each([
    "",
    "1.2.3",
    "1.2.3.4.5",
    "256.0.0.1",
    "1::2::3",
    ":::",
    "1:2:3:4:5:6:7",
    "1:2:3:4:5:6:7:8:9",
    "::1.2.3",
    "12345::",
    "::g",
    "1.2.3.4::",
    " ::1",
    "0x7f.0.0.1",
    "1:2:3:4:5:6:7:8::",
  ])("%j is no address", (text) => {
    expect(parseAddress(text)).toMatchObject({
      ok: false,
      problem: { message: expect.stringContaining("write one as `10.0.0.11` or `2001:db8::11`") },
    });
    expect(parsePrefix(`${text}/8`)).toMatchObject({
      ok: false,
      problem: { message: expect.stringContaining("write one as `10.0.0.0/24` or `2001:db8::/64`") },
    });
  });

  it.each([
    ["192.0.2.7/32", "192.0.2.7"],
    ["fe80::1%eth0", "fe80::1"],
    ["010.0.0.1", "10.0.0.1"],
    ["::ffff:192.0.2.1", "192.0.2.1"],
  ])("the address %s is refused: write %s", (text, right) => {
    expect(answer(parseAddress(text))).toBe(right);
  });

  it.each([
    ["10.0.0.1", "10.0.0.1/32"],
    ["2001:DB8::1", "2001:db8::1/128"],
    ["::ffff:10.1.2.3", "10.1.2.3/32"],
    ["::ffff:0:0/96", "0.0.0.0/0"],
    ["::ffff:10.1.2.3/104", "10.0.0.0/8"],
    ["010.0.0.0/8", "10.0.0.0/8"],
    ["10.0.0.0/33", null],
    ["::/129", null],
    ["10.0.0.0/08", null],
    ["10.0.0.0/", null],
  ])("the prefix %s is refused: write %s", (text, right) => {
    expect(answer(parsePrefix(text))).toBe(right);
  });

  it("a prefix above the mapped ones is legal, and an address is a prefix where either will do", () => {
    expect(parsePrefix("::/0").ok).toBe(true);
    expect(parsePrefix("::/80").ok).toBe(true);
    const parsed = parseAddressOrPrefix("10.0.0.1");
    expect(parsed.ok && formatPrefix(parsed.value.prefix)).toBe("10.0.0.1/32");
  });

  it("cover each other exactly when the longer one begins with the shorter", () => {
    const wide = { family: 4, bits: 0x0a000000n, length: 8 } as const;
    expect(prefixCovers(wide, { family: 4, bits: 0x0a010000n, length: 16 })).toBe(true);
    expect(prefixCovers({ family: 4, bits: 0x0a010000n, length: 16 }, wide)).toBe(false);
    expect(prefixCovers(wide, { family: 6, bits: 0x0a000000n, length: 16 })).toBe(false);
  });
});

describe("MACs", () => {
  it("go to text and back, and make the link-local address", () => {
    const parsed = parseMac("02:00:00:00:01:0A");
    expect(parsed.ok && formatMac(parsed.value)).toBe("02:00:00:00:01:0a");
    expect(parsed.ok && formatAddress(linkLocalAddress(parsed.value))).toBe("fe80::ff:fe00:10a");
  });

  it.each([
    ["02-00-00-00-01-0a", "02:00:00:00:01:0a"],
    ["0200.0000.010a", "02:00:00:00:01:0a"],
    ["01:00:5e:00:00:01", null],
    ["00:00:00:00:00:00", null],
    ["02:00:00:00:01", null],
  ])("%s is refused: write %s", (text, right) => {
    expect(answer(parseMac(text))).toBe(right);
  });
});

describe("ranges of ports", () => {
  it("go to text and back", () => {
    const ranges = fc.tuple(fc.integer({ min: 1, max: 65535 }), fc.integer({ min: 1, max: 65535 }));
    fc.assert(
      fc.property(ranges, ([a, b]) => {
        const range = { first: Math.min(a, b), last: Math.max(a, b) };
        expect(parsePortRange(formatPortRange(range))).toEqual({ ok: true, value: range });
      }),
      { seed },
    );
    expect(parsePortRange(formatPortRange(null))).toEqual({ ok: true, value: null });
  });

  it.each([
    ["80", "80/80"],
    ["80-90", "80/90"],
    ["90/80", "80/90"],
    ["90-80", "80/90"],
    ["80..90", "80/90"],
    ["0/0", "1/1"],
    ["70000/80000", "65535/65535"],
    ["all", "-1/-1"],
    ["080/080", "80/80"],
    ["ssh", null],
    ["", null],
  ])("%j is refused: write %s", (text, right) => {
    expect(answer(parsePortRange(text))).toBe(right);
  });
});

describe("protocols", () => {
  it.each<[string | number, string]>([
    [1, "icmp"],
    [17, "udp"],
    [58, "icmpv6"],
    [47, "gre"],
    ["112", "112"],
    ["UDP", "udp"],
    ["any", "all"],
    ["esp", "50"],
    ["tpc", "tcp"],
  ])("%j is refused: write %s", (text, right) => {
    expect(answer(parseProtocol(text))).toBe(right);
  });

  it.each([0, 2, 50, 112, 132, 255])("%i has no name and is legal", (number) => {
    expect(answer(parseProtocol(number))).toEqual({ protocol: number, number });
  });

  it.each([-2, 256, 6.5])("%d is no protocol", (number) => {
    expect(parseProtocol(number).ok).toBe(false);
  });
});

describe("times", () => {
  it("are RFC 3339 with a zone", () => {
    expect(answer(parseTime("2031-12-31T18:00:00Z"))).toBe(1956506400);
    expect(answer(parseTime("2031-12-31t20:30:00.75+02:30"))).toBe(1956506400);
    expect(formatTime(1956506400)).toBe("2031-12-31T18:00:00Z");
  });

  it.each([
    ["2031-12-31", "2031-12-31T00:00:00Z"],
    ["2031-12-31 18:00", "2031-12-31T18:00:00Z"],
    ["2031-02-29T00:00:00Z", null],
    ["2031-12-31T24:00:00Z", null],
    ["2200-01-01T00:00:00Z", null],
    ["tomorrow", null],
  ])("%s is refused: write %s", (text, right) => {
    expect(answer(parseTime(text))).toBe(right);
  });
});

describe("ids and texts", () => {
  it.each(["sg-a", "111122223333/sg-0bb2", "Account.x/sg-A_1"])("%s is a group's id", (id) => {
    expect(written(checkId("group", id))).toBe("accepted");
  });

  it.each(["a/b/sg-x", "../sg-x", "sg-\u202e", "sg-a\n", "", `sg-${"x".repeat(61)}`, "__proto__"])(
    "%j is none",
    (id) => {
      expect(checkId("group", id).ok).toBe(false);
    },
  );

  it("without its prefix an id is refused with it", () => {
    expect(written(checkId("group", "web"))).toBe("sg-web");
    expect(written(checkId("group", "acc/web"))).toBe("acc/sg-web");
    expect(written(checkId("prefix list", "office"))).toBe("pl-office");
  });

  it("texts are printable and at most 256 characters", () => {
    expect(checkText("Größe, 大小, \u{1f600}").ok).toBe(true);
    expect(checkText("x".repeat(257)).ok).toBe(false);
    for (const bad of ["a\nb", "\u001b[31m", "\u202e", "\u200b", "\u2028", "\u0000", "\ud800"]) {
      expect(checkText(bad).ok).toBe(false);
    }
  });

  it("are shown harmless and short", () => {
    expect(quote("a\u001b[31m\n")).toBe("`a\\u{1b}[31m\\u{a}`");
    expect(quote("x".repeat(100))).toHaveLength(62);
  });
});

describe("the nearest word", () => {
  it.each([
    ["portrange", "portRange"],
    ["port_range", "portRange"],
    ["proto", null],
    ["protcol", "protocol"],
    ["reomte", "remote"],
    ["zzz", null],
  ])("to %s is %s", (word, nearest) => {
    expect(nearestWord(word, ["portRange", "protocol", "remote", "priority"])).toBe(nearest);
  });
});
