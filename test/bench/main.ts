/** `make bench`: measures every family, or those named; writes build/bench/{results.json,results.md,*.svg}. */
import { spawnSync } from "node:child_process";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { cpus, release, totalmem } from "node:os";
import { join } from "node:path";
import { renderChart } from "./chart.ts";
import { createBench, fullEffort } from "./context.ts";
import { curvesOf } from "./curves.ts";
import { families } from "./families.ts";
import { checkResults, type Results } from "./results.ts";
import type { Row } from "./row.ts";
import { countMet, renderMarkdown, renderTable } from "./table.ts";

const folder = "build/bench";

/** The commit, with `-dirty` where files differ from it; "unknown" outside a repository. */
function readRevision(): string {
  const args = ["describe", "--always", "--dirty", "--abbrev=40"];
  const { status, stdout } = spawnSync("git", args, { encoding: "utf8" });
  return status === 0 ? stdout.trim() : "unknown";
}

const begin = performance.now();
const seconds = (): string => `${((performance.now() - begin) / 1000).toFixed(0).padStart(4)} s`;

/** What one family fails at takes nothing from the others: it is said, and the exit code is 1. */
async function measureAll(names: readonly string[]): Promise<Row[]> {
  const objects = {
    ringwall: "build/ringwall.bpf.o",
    varied: join(folder, "varied.bpf.o"),
    floor: join(folder, "floor.bpf.o"),
  };
  const bench = createBench(objects, fullEffort, (text) => console.error(`${seconds()}  ${text}`));
  const rows: Row[] = [];
  for (const name of names) {
    const family = families[name];
    if (family === undefined)
      throw new Error(`no family is ${name}; there are: ${Object.keys(families).join(", ")}`);
    bench.progress(name);
    try {
      rows.push(...(await family(bench)));
    } catch (error) {
      process.exitCode = 1;
      console.error(`bench: ${name} has no rows:`, error);
    }
  }
  return rows;
}

function write(results: Results): void {
  rmSync(join(folder, "pictures"), { recursive: true, force: true });
  mkdirSync(join(folder, "pictures"), { recursive: true });
  const pictures = curvesOf(results.rows).map((curve) => {
    const name = `pictures/${curve.id}.svg`;
    writeFileSync(join(folder, name), renderChart(curve));
    return name;
  });
  writeFileSync(join(folder, "results.json"), `${JSON.stringify(results, null, 2)}\n`);
  writeFileSync(join(folder, "results.md"), renderMarkdown(results, pictures));
}

const named = process.argv.slice(2);
const rows = await measureAll(named.length === 0 ? Object.keys(families) : named);
const machine = { kernel: release(), cpus: cpus().length, model: cpus()[0]?.model ?? "", memory: totalmem() };
write(checkResults({ machine, revision: readRevision(), rows }));
console.log(renderTable(rows));
console.log(`${countMet(rows)}, in ${seconds().trim()}; ${folder}/results.json, results.md, pictures/`);
