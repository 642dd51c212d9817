import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Address, Model } from "../../../src/model/model.ts";
import { evaluate } from "../../../src/policy/evaluate.ts";
import { linkLocalOf } from "../../../src/policy/identity.ts";
import { arbitraryModel, pools } from "../../support/arbitrary.ts";
import { seed } from "../../support/seed.ts";
import { address, type TestPacket } from "./compile-fixture.ts";
import { createJudge } from "./compile-judge.ts";

console.log(`compile-oracle.test.ts: RINGWALL_SEED=${seed}`);

const now = 1_000;

/** Members' addresses, listed and made from MACs, and some that nobody has. */
function collectFar(subject: Model): Address[] {
  const members = [...subject.interfaces.values()].flatMap((each) => [
    ...each.addresses,
    linkLocalOf(each.mac),
  ]);
  return [...members, ...pools.outside4.map(address), ...pools.outside6.map(address), address("224.0.0.1")];
}

function arbitraryPackets(subject: Model): fc.Arbitrary<TestPacket[]> {
  const far = collectFar(subject);
  const near = far.slice(0, 6);
  const port = fc.constantFrom(...pools.ports, 0, 2, 54, 82);
  const one = fc
    .record({
      direction: fc.constantFrom("egress", "ingress"),
      remote: fc.constantFrom(...far),
      local: fc.constantFrom(...near),
      protocol: fc.constantFrom(6, 17, 6, 17, 1, 58, 47, 50, 132),
      port,
      sourcePort: port,
      icmpType: fc.constantFrom(0, 3, 8, 128, 129),
      icmpCode: fc.constantFrom(0, 1),
      time: fc.constant(now),
    })
    .filter(({ remote, local }) => remote.family === local.family);
  return fc.array(one, { minLength: 100, maxLength: 100 });
}

describe("compiled rules and the oracle", () => {
  it("agree in verdict, reason and rule at every interface of generated models", () => {
    const reached = new Map<string, number>();
    fc.assert(
      fc.property(
        arbitraryModel(now).chain((subject) => fc.tuple(fc.constant(subject), arbitraryPackets(subject))),
        ([subject, packets]) => {
          // Hosts decide only which interfaces a host enforces: here all.
          const interfaces = new Map(
            [...subject.interfaces].map(([id, each]) => [id, { ...each, hosts: [] }]),
          );
          const everywhere = { ...subject, interfaces };
          const judge = createJudge(everywhere);
          const asked = [...interfaces.values()];
          for (const [index, packet] of packets.entries()) {
            const of = asked[index % asked.length];
            if (of === undefined) {
              throw new Error("a generated model has no interface");
            }
            const right = evaluate(everywhere, of.id, packet.direction, asQuestion(packet), packet.time);
            const rule = right.rule && { group: right.rule.group, index: right.rule.index };
            expect(judge(of, packet)).toEqual({ verdict: right.verdict, reason: right.reason, rule });
            const key = `${packet.direction} ${right.verdict} ${right.reason}`;
            reached.set(key, (reached.get(key) ?? 0) + 1);
          }
        },
      ),
      { seed, numRuns: 200 },
    );
    expect([...reached.keys()].sort()).toEqual([
      "egress accept default-egress",
      "egress accept inner-access",
      "egress accept observed",
      "egress accept rule",
      "egress drop default-drop",
      "egress drop rule",
      "ingress accept inner-access",
      "ingress accept observed",
      "ingress accept rule",
      "ingress drop no-rule",
      "ingress drop rule",
    ]);
  });
});

function asQuestion(packet: TestPacket) {
  const hasPorts = packet.protocol === 6 || packet.protocol === 17;
  const isIcmp = packet.protocol === (packet.remote.family === 4 ? 1 : 58);
  return {
    remote: packet.remote,
    local: packet.local,
    protocol: packet.protocol,
    sourcePort: hasPorts ? packet.sourcePort : null,
    destinationPort: hasPorts ? packet.port : null,
    icmpType: isIcmp ? packet.icmpType : null,
    icmpCode: isIcmp ? packet.icmpCode : null,
  };
}
