/** `make bench`: measures, prints a table, writes build/bench/results.json. */
import { spawnSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { cpus, release } from "node:os";
import Table from "cli-table3";
import { measureAll } from "./bench.ts";
import type { Row } from "./row.ts";

/** The commit, with `-dirty` where files differ from it; "unknown" outside a repository. */
function readRevision(): string {
  const { status, stdout } = spawnSync("git", ["describe", "--always", "--dirty", "--abbrev=40"], {
    encoding: "utf8",
  });
  return status === 0 ? stdout.trim() : "unknown";
}

function renderTable(rows: readonly Row[]): string {
  const head = ["what", "of", "median", "", "goal", "spread"];
  const table = new Table({ head, style: { head: [], border: [] } });
  for (const { name, params, value, unit, goal, met, spread } of rows)
    table.push([
      name,
      Object.entries(params)
        .map(([key, of]) => `${key} ${of}`)
        .join(", "),
      value.toFixed(unit === "ratio" ? 2 : 0),
      unit,
      goal === null ? "" : `${goal} ${met ? "met" : "MISSED"}`,
      `${(spread * 100).toFixed(0)} %`,
    ]);
  return table.toString();
}

const objects = { ringwall: "build/ringwall.bpf.o", floor: "build/bench/floor.bpf.o" };
const rows = await measureAll(objects, { samples: 9, repeat: 1_000_000, flows: 5000, interfaces: 1000 });
const machine = { kernel: release(), cpus: cpus().length, model: cpus()[0]?.model ?? "" };
mkdirSync("build/bench", { recursive: true });
const results = { machine, revision: readRevision(), rows };
writeFileSync("build/bench/results.json", `${JSON.stringify(results, null, 2)}\n`);
console.log(renderTable(rows));
console.log("build/bench/results.json");
