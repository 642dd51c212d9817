/** `make figures`: takes what the last bench measured into docs/figures and the README. */
import { copyFileSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { putFigures, renderFigures } from "./figures.ts";
import { checkResults } from "./results.ts";

const [from, to] = ["build/bench", "docs/figures"];
const results = checkResults(JSON.parse(readFileSync(join(from, "results.json"), "utf8")));
if (results.revision.endsWith("-dirty"))
  throw new Error(`${results.revision} is no revision that anybody can repeat`);
rmSync(to, { recursive: true, force: true });
mkdirSync(to, { recursive: true });
copyFileSync(join(from, "results.json"), join(to, "results.json"));
const pictures = readdirSync(join(from, "pictures")).sort();
for (const name of pictures) copyFileSync(join(from, "pictures", name), join(to, name));
writeFileSync(
  "README.md",
  putFigures(readFileSync("README.md", "utf8"), renderFigures(results, to, pictures)),
);
