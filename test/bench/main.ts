/** `make bench`: measures, prints a table, writes build/bench/results.json. */
import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { cpus, release } from "node:os";
import Table from "cli-table3";
import { measureAll } from "./bench.ts";

const objects = { ringwall: "build/ringwall.bpf.o", floor: "build/bench/floor.bpf.o" };
const rows = await measureAll(objects, { samples: 9, repeat: 1_000_000, flows: 10_000 });
const table = new Table({
  head: ["what", "of", "median", "", "goal", "spread"],
  style: { head: [], border: [] },
});
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
console.log(table.toString());
const revision = execFileSync("git", ["rev-parse", "HEAD"], { encoding: "utf8" }).trim();
const machine = { kernel: release(), cpus: cpus().length, model: cpus()[0]?.model ?? "" };
mkdirSync("build/bench", { recursive: true });
writeFileSync("build/bench/results.json", `${JSON.stringify({ machine, revision, rows }, null, 2)}\n`);
console.log("build/bench/results.json");
