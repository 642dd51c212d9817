import fc from "fast-check";
import { expect, it } from "vitest";
import { defaultSettings } from "../../src/kernel/settings.ts";
import { TestRun } from "../../src/kernel/testrun.ts";
import { compileAll } from "../../src/policy/compile.ts";
import { Oracle } from "../../src/policy/oracle/oracle.ts";
import { resolve } from "../../src/policy/resolve.ts";
import { arbitraryModel, arbitraryPackets } from "../support/arbitrary.ts";
import { toHex } from "../support/packet.ts";
import { objectPath } from "./host.ts";

it("compares", async () => {
  const seed = Number(process.env.SEED ?? 1);
  const runs = Number(process.env.RUNS ?? 30);
  const tables = new Map<string, number>();
  let compared = 0,
    skipped = 0;
  const examples: string[] = [];
  const lives = fc.sample(
    arbitraryModel(1_000_000).chain((m) =>
      fc.tuple(fc.constant(m), arbitraryPackets(m, { talks: 60 }), arbitraryModel(1_000_000)),
    ),
    { seed, numRuns: runs },
  );
  for (const [index, [m, packets, other]] of lives.entries()) {
    const m2 = { ...other, interfaces: m.interfaces };
    const resolved = resolve(m, { host: "here" });
    const resolved2 = resolve(m2, { host: "here" });
    const midstream = index % 4 === 3 ? ("drop" as const) : ("pickup" as const);
    const alwaysPerSecond = index % 3 === 2 ? 2 : 1000;
    const establishedSessions = index % 5 === 4 ? ("keep" as const) : ("revalidate" as const);
    const run = await TestRun.open({
      object: objectPath,
      resolved,
      policies: compileAll(resolved),
      settings: { ...defaultSettings, midstream, alwaysPerSecond, establishedSessions },
    });
    const oracle = new Oracle(m, { midstream, alwaysPerSecond, establishedSessions, host: "here" });
    let which = 0;
    for (const [i, p] of packets.entries()) {
      if (i % 25 === 24) {
        which ^= 1;
        await run.change(which ? resolved2 : resolved, compileAll(which ? resolved2 : resolved));
        oracle.change(which ? m2 : m);
      }
      const time = 1_000_000 + p.time;
      const hook = p.direction === "egress" && i % 2 ? ("tc" as const) : ("xdp" as const);
      const [k] = run.run({
        interface: p.interface,
        direction: p.direction,
        ...(p.direction === "egress" ? { hook } : {}),
        packets: [p.frame],
        times: [time],
      });
      if (k === null || k === undefined) {
        skipped++;
        continue;
      }
      const o = oracle.judge(p.interface, p.direction, p.frame, time);
      compared++;
      const kk = `${k.verdict} ${k.reason} ${k.session}`;
      const oo = `${o.verdict} ${o.reason} ${o.session}`;
      const kr = k.rule === null || k.rule === undefined ? "-" : `${k.rule.group} ${k.rule.index}`;
      const or = o.rule === null ? "-" : `${o.rule.group} ${o.rule.index}`;
      const key =
        kk === oo
          ? kr === or || o.reason === "session"
            ? ""
            : `RULE ${kk}`
          : `${p.direction} kernel=${kk} oracle=${oo}`;
      if (key !== "") {
        tables.set(key, (tables.get(key) ?? 0) + 1);
        if ((tables.get(key) ?? 0) <= 3)
          examples.push(
            `${key} [life ${index} packet ${i} ${p.interface} as=${m.interfaces.get(p.interface)?.antiSpoofing} t=${p.time} ms=${midstream} ${kr} / ${or}] ${toHex(p.frame)}`,
          );
      }
    }
    run.close();
  }
  console.log("compared", compared, "skipped", skipped);
  for (const [a, b] of [...tables].sort((a, b) => b[1] - a[1])) console.log(b, a);
  for (const e of examples.slice(0, 60)) console.log(e.slice(0, 600));
  expect(compared).toBeGreaterThan(0);
}, 300000);
