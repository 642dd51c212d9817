/** Rows of the agent's own costs on a host of many guests: memory, a minute at rest, scrapes, a start after a kill. */
import { setTimeout as sleep } from "node:timers/promises";
import { AgentHost } from "./agent-host.ts";
import { type Bench, timeOf } from "./context.ts";
import { makeLane, makeRow, type Row } from "./row.ts";
import { spawnOnce } from "./start.ts";

const atMost = (value: number) => ({ sense: "at most", value }) as const;
const rules = 200;
const policies = 20;
const fewRules = 20;
const sessionsEach = 500;
/** An agent that has just started has this long to come to rest, ms. */
const settle = 2000;

/** At rest it has verified everything twice, and V8 has compiled what it does again and again: two minutes, in windows. */
const quietWindows = 312.5;

/** A scrape each 15 s for a minute, in which sessions are counted and everything is verified once. */
async function measureRest(host: AgentHost, params: Row["params"], pause: number): Promise<Row[]> {
  await host.scrape(2, 200);
  const before = host.cpuTime;
  let scrapes: readonly number[] = [];
  const time = await timeOf(async () => {
    scrapes = (await host.scrape(4, pause)).times;
  });
  const share = ((host.cpuTime - before) / time) * 100;
  return [
    makeRow("agent at rest", { ...params, "s watched": Math.round(time / 1000) }, [share], {
      unit: "% of a core",
      goal: atMost(1),
    }),
    makeRow("scrape", params, scrapes, { unit: "ms", goal: atMost(100) }),
    makeRow("resident size of the agent at rest", params, [host.residentSize / 1e6], {
      unit: "MB",
      goal: atMost(150),
    }),
  ];
}

export async function measureAgent(bench: Bench): Promise<Row[]> {
  const { interfaces, rounds, window } = bench.effort;
  bench.progress(`an agent with ${interfaces} interfaces`);
  const host = new AgentHost(interfaces, Math.min(policies, interfaces), rules);
  try {
    const first = await host.start();
    bench.progress(`enforcing after ${(first / 1000).toFixed(1)} s`);
    host.fill(interfaces, sessionsEach);
    const params = { interfaces, rules, sessions: interfaces * sessionsEach };
    bench.progress("the agent comes to rest");
    await sleep(window * quietWindows);
    const rows = await measureRest(host, params, window * 37.5);
    const asks = await bench.interleave({
      Ringwall: () =>
        timeOf(() =>
          spawnOnce(
            host.command("explain", "--from", "eni-0", "--to", "eni-1", "--protocol", "tcp", "--port", "443"),
          ),
        ),
      "node -e 0": () => timeOf(() => spawnOnce({ file: process.execPath, args: ["-e", "0"] })),
    });
    rows.push(
      makeRow(
        "ringwall explain / node -e 0",
        { rules: "of an agent", interfaces },
        asks.Ringwall.map((time, index) => time / (asks["node -e 0"][index] ?? Number.NaN)),
        {
          goal: atMost(3),
          peers: { Ringwall: makeLane(asks.Ringwall, "ms"), "node -e 0": makeLane(asks["node -e 0"], "ms") },
        },
      ),
    );
    bench.progress("starts after a kill");
    // The rules of small guests: reading many is the model's cost, and no adoption's.
    host.writeRules(Math.min(policies, interfaces), fewRules);
    await host.kill();
    const anew = await host.start();
    // Until it has written down what it read of the rules, as an agent that has run for a second.
    await sleep(settle);
    const starts: number[] = [];
    for (let round = 0; round < Math.min(5, rounds); round++) {
      await host.kill();
      starts.push(await host.start());
    }
    rows.push(
      makeRow("start after a kill, until all is adopted", { interfaces, rules: fewRules }, starts, {
        unit: "ms",
        goal: atMost(500),
      }),
      makeRow("the same, with other rules than before", { interfaces, rules: fewRules }, [anew], {
        unit: "ms",
        goal: null,
      }),
    );
    return rows;
  } finally {
    await host.remove();
  }
}
