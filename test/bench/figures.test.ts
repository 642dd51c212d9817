import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { putFigures, renderFigures } from "./figures.ts";
import { checkResults } from "./results.ts";
import { makeRow } from "./row.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const folder = "docs/figures";
const readme = readFileSync(join(root, "README.md"), "utf8");

function renderKept(): string {
  const file = join(root, folder, "results.json");
  if (!existsSync(file)) return "";
  const pictures = readdirSync(join(root, folder)).filter((name) => name.endsWith(".svg"));
  return renderFigures(checkResults(JSON.parse(readFileSync(file, "utf8"))), folder, pictures.sort());
}

it("the README's figures are those of docs/figures, by nobody's hand", () => {
  expect(putFigures(readme, renderKept())).toBe(readme);
});

it("a name's rows are one line: from the least to the most, how many goals were met", () => {
  const goal = { sense: "at most", value: 1.25 } as const;
  const rows = [10, 20].map((sessions) => makeRow("packet", { sessions }, [sessions / 10], { goal }));
  const machine = { kernel: "6.18", cpus: 2, model: "any", memory: 1 };
  const block = renderFigures({ machine, revision: "abc", rows }, folder, ["packet.svg"]);
  expect(block).toContain("| packet | 1.00 to 2.00 × | at most 1.25 × | 1 of 2 |");
  expect(block).toContain("Curves: 1 pictures in [docs/figures](docs/figures).");
  expect(putFigures(putFigures(readme, block), renderKept())).toBe(readme);
});
