import { describe, expect, it } from "vitest";
import { parseSessionFilter } from "../../../src/cli/session-filter.ts";

describe("a filter of sessions", () => {
  it("narrows by each of its parts", () => {
    expect(parseSessionFilter("interface=eni-1,remote=2001:db8::1,protocol=tcp,localPort=22")).toEqual({
      interface: "eni-1",
      remote: "2001:db8::1",
      protocol: "tcp",
      localPort: 22,
    });
  });

  it("means every session only where it says all", () => {
    expect(parseSessionFilter("all")).toEqual({});
    expect(() => parseSessionFilter("")).toThrow(/empty filter/);
    expect(() => parseSessionFilter("  ")).toThrow(/empty filter/);
  });

  it.each([
    ["port=22", /one of interface, .*localPort/],
    ["remote", /KEY=VALUE/],
    ["remote=", /KEY=VALUE/],
    ["remote=a,", /KEY=VALUE/],
    ["remote=a,remote=b", /remote twice/],
    ["localPort=ssh", /0 to 65535/],
    ["localPort=65536", /0 to 65535/],
    ["__proto__=1", /KEY=VALUE/],
  ])("%s is refused with what to write", (text, message) => {
    expect(() => parseSessionFilter(text)).toThrow(message);
    expect(() => parseSessionFilter(text)).toThrow(expect.objectContaining({ exitCode: 64 }));
  });
});
