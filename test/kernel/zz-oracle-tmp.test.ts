import fc from "fast-check";
import { expect, it } from "vitest";
import { defaultSettings } from "../../src/kernel/settings.ts";
import { TestRun } from "../../src/kernel/testrun.ts";
import { compileAll } from "../../src/policy/compile.ts";
import { Oracle } from "../../src/policy/oracle/oracle.ts";
import { readPacket } from "../../src/policy/packet.ts";
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
      fc.tuple(
        fc.constant(m),
        arbitraryPackets(m, { talks: Number(process.env.TALKS ?? 60) }),
        arbitraryModel(1_000_000),
      ),
    ),
    { seed, numRuns: runs },
  );
  const only = new Set((process.env.ONLY ?? "").split(",").filter(Boolean).map(Number));
  for (const [index, [m, packets, other]] of lives.entries()) {
    if (only.size > 0 && !only.has(index)) continue;
    const hist: { key: string; line: string }[] = [];
    const m2 = { ...other, interfaces: m.interfaces };
    const resolved = resolve(m, { host: "here" });
    const resolved2 = resolve(m2, { host: "here" });
    const midstream = index % 4 === 3 ? ("drop" as const) : ("pickup" as const);
    const alwaysPerSecond = index % 3 === 2 ? 2 : 1000;
    const establishedSessions = index % 5 === 4 ? ("keep" as const) : ("revalidate" as const);
    const run = await TestRun.open({
      object: process.env.OBJ ?? objectPath,
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
      const res = which ? resolved2 : resolved;
      const policy = res.policies.get(
        res.interfaces.find((x) => x.interface.id === p.interface)?.policy ?? 0n,
      );
      const kRule = k.rule === null ? undefined : policy?.sides[k.ruleSide].rules[k.rule];
      const kr = kRule === undefined ? "-" : `${kRule.group} ${kRule.rule.index}`;
      const or = o.rule === null ? "-" : `${o.rule.group} ${o.rule.index}`;
      const key =
        kk === oo
          ? kr === or || o.reason === "session"
            ? ""
            : `RULE ${kk}`
          : `${p.direction} kernel=${kk} oracle=${oo}`;
      const pk = readPacket(p.frame);
      if (typeof pk !== "string" && pk.body.kind === "ip") {
        const b = pk.body;
        const t = b.transport;
        const ends = [
          `${b.source.bits.toString(16)}:${"sourcePort" in t ? t.sourcePort : 0}`,
          `${b.destination.bits.toString(16)}:${"destinationPort" in t ? t.destinationPort : 0}`,
        ]
          .sort()
          .join("-");
        const hk = `${p.interface} ${b.protocol} ${ends}`;
        const info =
          t.kind === "tcp"
            ? `flags=${t.flags.toString(16)} seq=${t.sequence} ack=${t.acknowledgement} len=${t.length}`
            : t.kind;
        hist.push({ key: hk, line: `   t=${p.time} w=${which} ${p.direction} ${info} K[${kk}] O[${oo}]` });
        if (key !== "" && only.size > 0) {
          console.log("HISTORY life", index, "ms", midstream, "es", establishedSessions);
          for (const h of hist.filter((h) => h.key === hk).slice(-14)) console.log(h.line);
        }
      }
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
