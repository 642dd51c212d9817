/** The rows of a host between guests and an uplink: small packets, floods, TCP, with peers on the same topology. */
import type { Bench } from "./context.ts";
import { measureFlood } from "./network/flood.ts";
import { availableLanes, type LaneKinds } from "./network/lanes.ts";
import { withTables } from "./network/tables.ts";
import { measureTcp } from "./network/tcp.ts";
import { measureThroughput, mostFlows } from "./network/throughput.ts";
import { buildTools, type Tools } from "./network/tools.ts";
import { Yard } from "./network/yard.ts";
import type { Row } from "./row.ts";

async function measureLanes(bench: Bench, kinds: LaneKinds, tools: Tools): Promise<Row[]> {
  bench.progress(`guests and what stands between them: ${Object.keys(kinds).join(", ")}`);
  const yard = await Yard.open(kinds, tools);
  try {
    return [...(await measureThroughput(bench, yard)), ...(await measureTcp(bench, yard, tools))];
  } finally {
    await yard.close();
  }
}

/** Throws where packets did not take the way that a row speaks of. `chosen`: not every lane of this machine. */
export async function measureNetwork(bench: Bench, chosen?: LaneKinds): Promise<Row[]> {
  const tools = buildTools("build/bench", Math.min(mostFlows, bench.effort.sessions));
  const lanes = chosen ?? availableLanes(bench.progress);
  return await withTables(2 * tools.sessions, async () => [
    ...(await measureLanes(bench, lanes, tools)),
    ...(await measureFlood(bench, tools)),
  ]);
}
