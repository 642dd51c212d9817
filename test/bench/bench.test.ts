import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, it } from "vitest";
import { objectPath } from "../kernel/host.ts";
import { createBench, leastEffort } from "./context.ts";
import { families } from "./families.ts";
import { showParams } from "./table.ts";

const folder = mkdtempSync(join(tmpdir(), "ringwall-bench-"));
const include = fileURLToPath(new URL("../../bpf/include", import.meta.url));

function compile(name: string): string {
  const machine = execFileSync("g++", ["-dumpmachine"], { encoding: "utf8" }).trim();
  const source = fileURLToPath(new URL(`${name}.bpf.c`, import.meta.url));
  const object = join(folder, `${name}.bpf.o`);
  const flags = ["-O2", "-g", "-Wall", "-Wextra", "-Werror", "--target=bpf", "-mcpu=v3"];
  execFileSync("clang", [...flags, `-I/usr/include/${machine}`, `-I${include}`, "-c", source, "-o", object]);
  return object;
}

const objects = { ringwall: objectPath, varied: "", floor: "" };
beforeAll(() => {
  objects.varied = compile("varied");
  objects.floor = compile("floor");
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

// Times belong to `make bench`; here only that every row is measured, on packets of the kind that it speaks of.
const expected: Readonly<Record<string, readonly string[]>> = {
  established: ["ipv4", "ipv6"].flatMap((family) => [
    `established packet / floor: ${family}, one table, 1 sessions`,
    `established packet / floor: ${family}, one table, 1,000 sessions`,
    `established packet / floor: ${family}, 20 tables, 1,000 sessions`,
  ]),
  openings: ["ipv4", "ipv6"].flatMap((family) =>
    [1, 10].flatMap((rules) => [
      `new session / at 10 rules: ${family}, ${rules} rules`,
      `denied packet / new session without its insert: ${family}, ${rules} rules`,
    ]),
  ),
  memory: [
    "memory of a session / of the kernel's element: ",
    "memory of a rule / of the kernel's element: 200 rules",
    "memory of a member / of the kernel's element: 200 members",
  ],
  changes: [
    "change of one rule: 40 members",
    "nft -f / change of one rule: 40 members",
    "entries written by one rule / in a group of 2: 40 members",
    "one member joins a group that rules name: 20 rules",
    "nft -f / one member joins a group that rules name: 20 rules",
    "entries written by one member: 20 rules",
    "200 rules an interface from nothing: 20 interfaces, 20 policies",
    "session tables made: 20 interfaces, 20 policies, 60 tables",
  ],
  proofs: ["policy proven on read-back: 200 rules", "everything of a host verified: 20 interfaces"],
};

for (const [name, rows] of Object.entries(expected))
  it(`the family ${name} measures each of its rows`, async () => {
    const bench = createBench(objects, leastEffort, () => undefined);
    const measured = (await families[name]?.(bench)) ?? [];
    expect(measured.map((row) => `${row.name}: ${showParams(row.params)}`).sort()).toEqual([...rows].sort());
  });
