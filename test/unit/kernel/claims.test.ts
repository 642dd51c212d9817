import { expect, it } from "vitest";
import { type Claim, coverClaims } from "../../../src/kernel/claims.ts";
import type { Prefix } from "../../../src/model/model.ts";
import { Random } from "../../support/random.ts";
import { seed } from "../../support/seed.ts";
import { prefix } from "../policy/compile-fixture.ts";

/** Whether `outer` covers `inner`, bit by bit. */
function covers(outer: Prefix, inner: Prefix): boolean {
  if (outer.family !== inner.family || outer.length > inner.length) return false;
  const width = outer.family === 4 ? 32 : 128;
  const text = ({ bits, length }: Prefix) => bits.toString(2).padStart(width, "0").slice(0, length);
  return text(inner).startsWith(text(outer));
}

it("gives each claim the flags of all of its MAC and family that cover it, its own too", () => {
  const claims: Claim[] = [
    { mac: 1n, prefix: prefix("0.0.0.0/0"), flags: 1 },
    { mac: 1n, prefix: prefix("10.0.0.0/8"), flags: 2 },
    { mac: 1n, prefix: prefix("10.1.0.0/16"), flags: 4 },
    { mac: 2n, prefix: prefix("10.1.0.0/16"), flags: 8 },
    { mac: 1n, prefix: prefix("::/0"), flags: 16 },
    { mac: 1n, prefix: prefix("11.0.0.1/32"), flags: 32 },
  ];
  expect(coverClaims(claims).map(({ flags }) => flags)).toEqual([1, 3, 7, 8, 16, 33]);
});

it("says the same as each claim asked of each other", () => {
  const random = new Random(seed);
  for (let round = 0; round < 200; round++) {
    const claims = Array.from({ length: 1 + random.below(12) }, (): Claim => {
      const family = random.below(2) === 0 ? 4 : 6;
      const width = family === 4 ? 32 : 128;
      const length = random.below(2) === 0 ? width : random.below(width + 1);
      // Few bits, at the top and at the bottom, so that many cover one another.
      const bits = (BigInt(random.below(4)) << BigInt(width - 2)) | BigInt(random.below(4));
      return { mac: BigInt(random.below(2)), prefix: { family, bits, length }, flags: 1 << random.below(3) };
    });
    const wanted = claims.map((claim) =>
      claims
        .filter((other) => other.mac === claim.mac && covers(other.prefix, claim.prefix))
        .reduce((sum, { flags }) => sum | flags, 0),
    );
    expect(coverClaims(claims).map(({ flags }) => flags)).toEqual(wanted);
  }
});
