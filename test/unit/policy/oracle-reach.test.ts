import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Model } from "../../../src/model/model.ts";
import type { Judgement } from "../../../src/policy/oracle/judgement.ts";
import { Oracle } from "../../../src/policy/oracle/oracle.ts";
import type { OracleSettings } from "../../../src/policy/oracle/settings.ts";
import { type Reason, reasons } from "../../../src/policy/reason.ts";
import { type ArbitraryPacket, arbitraryModel, arbitraryPackets } from "../../support/arbitrary.ts";
import { seed } from "../../support/seed.ts";

interface Life {
  readonly before: Model;
  readonly after: Model;
  readonly packets: readonly ArbitraryPacket[];
  readonly settings: Partial<OracleSettings>;
}

const settings: fc.Arbitrary<Partial<OracleSettings>> = fc.record({
  midstream: fc.constantFrom("pickup" as const, "pickup" as const, "drop" as const),
  establishedSessions: fc.constantFrom("revalidate" as const, "revalidate" as const, "keep" as const),
  alwaysPerSecond: fc.constantFrom(1000, 2),
});

const life: fc.Arbitrary<Life> = fc.tuple(arbitraryModel(), arbitraryModel()).chain(([before, after]) =>
  fc.record({
    before: fc.constant(before),
    after: fc.constant({ ...after, interfaces: before.interfaces }),
    packets: arbitraryPackets(before),
    settings,
  }),
);

/** Plays a life: every third packet from the middle on, rules change and change back. */
function live({ before, after, packets, settings: chosen }: Life): readonly Judgement[] {
  const oracle = new Oracle(before, chosen);
  return packets.map((packet, index) => {
    if (index > packets.length / 2 && index % 3 === 0) oracle.change(index % 2 === 0 ? before : after);
    if (index === 0) oracle.setReady(packet.interface, packets.length % 5 !== 0);
    if (index === 3) oracle.setReady(packet.interface, true);
    return oracle.judge(packet.interface, packet.direction, packet.frame, packet.time);
  });
}

describe("generated lives", () => {
  it(`reach every reason but a full table's, and are judged alike twice (seed ${seed})`, () => {
    const met = new Map<Reason, number>();
    fc.assert(
      fc.property(life, (one) => {
        const judgements = live(one);
        expect(live(one)).toEqual(judgements);
        for (const { reason } of judgements) met.set(reason, (met.get(reason) ?? 0) + 1);
      }),
      { seed, numRuns: 700 },
    );
    const missing = reasons.filter((reason) => !met.has(reason));
    expect(missing).toEqual(["none", "table-full"]);
  });

  it(`are dropped with a reason, and only accepted packets use sessions (seed ${seed})`, () => {
    fc.assert(
      fc.property(life, (one) => {
        for (const { verdict, reason, session } of live(one)) {
          expect(reason).not.toBe("none");
          if (verdict === "drop") expect(session).toBe("none");
        }
      }),
      { seed, numRuns: 100 },
    );
  });
});
