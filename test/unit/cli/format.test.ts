import { describe, expect, it } from "vitest";
import { formatAge, formatBytes, formatCount, formatFill } from "../../../src/cli/render/format.ts";
import { formatEndpoint, formatRule } from "../../../src/cli/render/packet.ts";
import { renderTable } from "../../../src/cli/render/table.ts";

describe("numbers", () => {
  it.each([
    [0, "0"],
    [999, "999"],
    [1000, "1,000"],
    [12345678901234567890n, "12,345,678,901,234,567,890"],
  ])("%s reads %s", (value, text) => expect(formatCount(value)).toBe(text));

  it.each([
    [0, "0 B"],
    [1023, "1023 B"],
    [1536, "1.5 KiB"],
    [20 * 1024 * 1024, "20 MiB"],
    [2n ** 70n, "1048576 PiB"],
  ])("%s bytes read %s", (value, text) => expect(formatBytes(value)).toBe(text));

  it.each([
    [0.0123, "12 ms"],
    [59.9, "59 s"],
    [60, "1 min"],
    [185, "3 min 5 s"],
    [7800, "2 h 10 min"],
    [4 * 86_400 + 3 * 3600, "4 d 3 h"],
  ])("%s seconds read %s", (value, text) => expect(formatAge(value)).toBe(text));

  it("say how full something is, and never full before it is", () => {
    expect(formatFill(12_000, 16_384)).toBe("12,000 of 16,384 (73 %)");
    expect(formatFill(16_383, 16_384)).toBe("16,383 of 16,384 (99 %)");
    expect(formatFill(0, 0)).toBe("-");
  });
});

describe("ends of a packet", () => {
  it("have brackets where a port follows an IPv6 address", () => {
    expect(formatEndpoint({ address: "10.0.0.1", port: 80 })).toBe("10.0.0.1:80");
    expect(formatEndpoint({ address: "2001:db8::1", port: 80 })).toBe("[2001:db8::1]:80");
    expect(formatEndpoint({ address: "2001:db8::1", port: null })).toBe("2001:db8::1");
    expect(formatEndpoint({ address: null, port: null })).toBe("-");
  });
});

describe("rules", () => {
  it("go by their id, or by their place in the group", () => {
    expect(formatRule({ group: "sg-web", index: 3, id: null, line: 14 })).toBe("sg-web rule 3 (line 14)");
    expect(formatRule({ group: "sg-web", index: 3, id: "allow-http", line: null })).toBe("sg-web allow-http");
    expect(formatRule(null)).toBe("-");
  });
});

describe("tables", () => {
  const columns = [
    { title: "name", value: ({ name }: { name: string }) => name },
    { title: "length", value: ({ name }: { name: string }) => String(name.length), align: "right" as const },
  ];

  it("have titles, no borders, and no spaces at the end of a line", () => {
    expect(renderTable([{ name: "eni-1" }, { name: "a" }], columns)).toBe(
      ["NAME   LENGTH", "eni-1       5", "a           1"].join("\n"),
    );
  });

  it("write control characters of a name out, in one line", () => {
    const text = renderTable([{ name: "a\u001b[2J\nb" }], columns);
    expect(text.split("\n")).toHaveLength(2);
    expect(text).toContain("a\\u001b[2J\\u000ab");
  });
});
