import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { objectPath } from "../kernel/host.ts";
import { measureAll } from "./bench.ts";

const floorSource = fileURLToPath(new URL("floor.bpf.c", import.meta.url));
const include = fileURLToPath(new URL("../../bpf/include", import.meta.url));

// Times belong to `make bench`; here only that every row is measured, on packets of the kind that it speaks of.
it("the bench measures an established packet, the floor, new sessions and proofs", async () => {
  const folder = mkdtempSync(join(tmpdir(), "ringwall-bench-"));
  try {
    const floor = join(folder, "floor.bpf.o");
    const machine = execFileSync("g++", ["-dumpmachine"], { encoding: "utf8" }).trim();
    const flags = ["-O2", "-g", "-Wall", "-Wextra", "-Werror", "--target=bpf", "-mcpu=v3"];
    execFileSync("clang", [
      ...flags,
      `-I/usr/include/${machine}`,
      `-I${include}`,
      "-c",
      floorSource,
      "-o",
      floor,
    ]);
    const rows = await measureAll(
      { ringwall: objectPath, floor },
      { samples: 1, repeat: 1000, flows: 50, interfaces: 20 },
    );
    expect(rows.map(({ name, params }) => `${name} ${Object.values(params).join(" ")}`)).toEqual([
      ...["ipv4", "ipv6"].flatMap((family) => [
        `established packet / floor ${family}`,
        `established packet ${family}`,
        `floor ${family}`,
        `least program ${family}`,
      ]),
      ...["ipv4", "ipv6"].flatMap((family) => [
        `new session ${family} 10`,
        ...[100, 1000].flatMap((rules) => [
          `new session / at 10 rules ${family} ${rules}`,
          `new session ${family} ${rules}`,
        ]),
      ]),
      "policy proven on read-back 200",
      "policy proven on read-back 1000",
      "everything of a host verified 20",
    ]);
    expect(rows.filter(({ value }) => !(value > 0))).toEqual([]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}, 60_000);
