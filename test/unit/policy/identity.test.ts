import { describe, expect, it } from "vitest";
import { DigestRegistry, digest64 } from "../../../src/policy/digest.ts";
import { emptyIdentity, identityOf, linkLocalOf, policyKeyOf } from "../../../src/policy/identity.ts";
import { address } from "./compile-fixture.ts";

describe("digests", () => {
  it("tell every network, set of groups, nic type and kind apart", () => {
    const all = [
      emptyIdentity,
      identityOf("vpc-a", ["sg-a"]),
      identityOf("vpc-b", ["sg-a"]),
      identityOf("vpc-a", ["sg-a", "sg-b"]),
      identityOf("vpc-a", ["sg-a,sg-b"]),
      identityOf('vpc-a","sg-a', ["sg-b"]),
      policyKeyOf("vpc-a", "intranet", ["sg-a"]),
      policyKeyOf("vpc-a", "internet", ["sg-a"]),
    ];
    expect(new Set(all).size).toBe(all.length);
    expect(all.every((each) => each > 0n && each < 1n << 64n)).toBe(true);
  });

  it("stay what they are: the kernel's state is found again after an update", () => {
    expect(digest64(["identity"]).toString(16)).toBe("25009ee06559993b");
    expect(identityOf("vpc-a", ["sg-b", "sg-a", "sg-a"])).toBe(
      digest64(["identity", "vpc-a", "sg-a", "sg-b"]),
    );
  });

  it("that would stand for two things are refused", () => {
    const registry = new DigestRegistry("identity");
    registry.claim(7n, "the groups sg-a of network vpc-a");
    registry.claim(7n, "the groups sg-a of network vpc-a");
    expect(() => registry.claim(7n, "the groups sg-b of network vpc-a")).toThrow(
      "identity 0000000000000007 would stand for both the groups sg-a of network vpc-a and " +
        "the groups sg-b of network vpc-a: rename a group or network of one of them",
    );
  });
});

describe("linkLocalOf", () => {
  it.each([
    [0x02_00_00_00_01_01n, "fe80::ff:fe00:101"],
    [0x00_00_5e_00_53_afn, "fe80::200:5eff:fe00:53af"],
    [0xfe_ff_ff_ff_ff_ffn, "fe80::fcff:ffff:feff:ffff"],
  ])("inverts the universal bit and puts ff:fe in the middle of %s", (mac, expected) => {
    expect(linkLocalOf(mac)).toEqual(address(expected));
  });
});
