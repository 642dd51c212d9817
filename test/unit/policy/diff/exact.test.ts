/** What the comparison finds against brute force: no difference is missed, none is invented. */

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Interface, Model } from "../../../../src/model/model.ts";
import { linkLocalOf } from "../../../../src/policy/identity.ts";
import { arbitraryModel, pools } from "../../../support/arbitrary.ts";
import { address } from "../../../support/bed.ts";
import { seed } from "../../../support/seed.ts";
import { covers, differs, find, isJudged, type Put, tell } from "./support.ts";

const now = 1_000_000;
const modelPairs = 120;
const packetsPerPair = 2500;

/** Every kind of change: all rules, one group's, members, the interfaces' groups, gone and fresh interfaces. */
const pairOfModels: fc.Arbitrary<readonly [Model, Model]> = fc
  .tuple(arbitraryModel(now), arbitraryModel(now), fc.integer({ min: 0, max: 4 }), fc.nat(20))
  .map(([before, other, kind, which]) => {
    const id = [...before.groups.keys()][which % before.groups.size] ?? "";
    const group = other.groups.get(id);
    switch (kind) {
      case 0:
        return [before, other];
      case 1:
        return [before, { ...other, interfaces: before.interfaces }];
      case 2:
        return [before, { ...before, interfaces: other.interfaces }];
      default:
        return [
          before,
          { ...before, groups: new Map([...before.groups, ...(group ? [[id, group] as const] : [])]) },
        ];
    }
  });

const around = (port: number) => [Math.max(0, port - 1), port, Math.min(65535, port + 1)];
const ports = [...new Set([0, 65535, ...pools.ports.flatMap(around)])];
const remotes = [
  ...pools.outside4,
  ...pools.outside6,
  ...[
    "10.0.0.10",
    "10.0.0.11",
    "10.0.0.12",
    "10.0.0.13",
    "10.0.0.255",
    "10.0.1.0",
    "10.0.5.12",
    "198.51.100.127",
  ],
  ...[
    "198.51.100.128",
    "198.51.101.0",
    "224.0.0.1",
    "239.255.255.255",
    "255.255.255.255",
    "127.0.0.1",
    "1.2.3.4",
  ],
  ...["2001:db8::11", "2001:db8::12", "2001:db8::99", "2001:db8:ffff::7", "ff02::1", "fe80::1", "2a00::1"],
].map(address);

function arbitraryPut(before: Model, after: Model, shared: readonly Interface[]): fc.Arbitrary<Put> {
  const made = [...before.interfaces.values(), ...after.interfaces.values()].map(({ mac }) =>
    linkLocalOf(mac),
  );
  return fc
    .record({
      own: fc.constantFrom(...shared),
      direction: fc.constantFrom("ingress" as const, "egress" as const),
      remote: fc.constantFrom(...remotes, ...made),
      protocol: fc.constantFrom(6, 6, 6, 17, 1, 58, 47, 50, 132, 89),
      sourcePort: fc.constantFrom(...ports),
      destinationPort: fc.constantFrom(...ports),
      icmpType: fc.constantFrom(0, 1, 3, 8, 128, 129, 255),
      icmpCode: fc.constantFrom(0, 1, 4, 255),
      local: fc.nat(),
      time: fc.constantFrom(now, now + 39, now + 40, now + 99_999, now + 100_000, now + 5_000_000),
    })
    .map(({ own, direction, remote, protocol, time, local, ...values }): Put => {
      const isIcmp = protocol === (remote.family === 4 ? 1 : 58);
      const hasPorts = protocol === 6 || protocol === 17;
      const foreign = remote.family === 4 ? ["10.0.0.77", "192.0.2.5"] : ["2001:db8::77", "2001:db8:9::1"];
      const pair = remote.family === 4 ? pools.vip4 : pools.vip6;
      const locals = [...own.addresses, linkLocalOf(own.mac), ...[...foreign, pair].map(address)].filter(
        ({ family }) => family === remote.family,
      );
      return {
        interface: own.id,
        direction,
        time,
        question: {
          remote,
          local: locals[local % locals.length] ?? address("10.0.0.77"),
          protocol,
          sourcePort: hasPorts ? values.sourcePort : null,
          destinationPort: hasPorts ? values.destinationPort : null,
          icmpType: isIcmp ? values.icmpType : null,
          icmpCode: isIcmp ? values.icmpCode : null,
        },
      };
    });
}

describe("the verdicts that differ between two models", () => {
  it(`are found exactly: brute force over packets agrees (seed ${seed})`, () => {
    const pairs = fc.sample(pairOfModels, { seed, numRuns: modelPairs });
    const tally = { differing: 0, same: 0 };
    const wrong: string[] = [];
    for (const [turn, [before, after]] of pairs.entries()) {
      const found = find(before, after, now);
      const shared = [...after.interfaces.values()].filter(
        ({ id, hosts }) => hosts.length === 0 && before.interfaces.has(id),
      );
      for (const put of fc.sample(arbitraryPut(before, after, shared), {
        seed: seed + turn,
        numRuns: packetsPerPair,
      })) {
        const own = after.interfaces.get(put.interface);
        if (own === undefined || !isJudged(own, put)) continue;
        const expected = differs(before, after, put);
        tally[expected ? "differing" : "same"]++;
        const covering = covers(found, put);
        if (covering.length === (expected ? 1 : 0)) continue;
        const text = JSON.stringify(put, (_key, value) =>
          typeof value === "bigint" ? value.toString(16) : value,
        );
        wrong.push(`pair ${turn}: ${expected ? "missed" : "invented"} (${covering.length}): ${text}`);
      }
    }
    expect(wrong.slice(0, 3)).toEqual([]);
    expect(tally.differing).toBeGreaterThan(20_000);
    expect(tally.same).toBeGreaterThan(20_000);
  });

  it(`are told with packets that the oracle confirms, whatever the models (seed ${seed})`, () => {
    let told = 0;
    for (const [before, after] of fc.sample(pairOfModels, { seed: seed + 7, numRuns: 40 }))
      told += tell(before, after, now).differences.length;
    expect(told).toBeGreaterThan(1000);
  });
});
