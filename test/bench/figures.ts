/** What the README says of the bench: made from its results, never typed. */
import type { Results } from "./results.ts";
import type { Row } from "./row.ts";
import { countMet, showFigure, showGoal } from "./table.ts";

export const begin = "<!-- figures: make figures writes them -->";
export const end = "<!-- /figures -->";

const withUnit = (text: string, unit: string): string => `${text} ${unit === "ratio" ? "×" : unit}`;

/** Over all parameters of a name. */
function showValues(rows: readonly Row[]): string {
  const values = rows.map(({ value }) => value);
  const [low, high] = [showFigure(Math.min(...values)), showFigure(Math.max(...values))];
  return withUnit(low === high ? low : `${low} to ${high}`, rows[0]?.unit ?? "");
}

/** The block between the markers; `folder`: where results and pictures lie, as the README links them. */
export function renderFigures(
  { machine, revision, rows }: Results,
  folder: string,
  pictures: readonly string[],
): string {
  const judged = rows.filter(({ met }) => met !== null);
  const names = [...new Set(judged.map(({ name }) => name))];
  const lines = names.map((name) => {
    const some = judged.filter((row) => row.name === name);
    const goals = [...new Set(some.map(showGoal))].join(", ");
    const met = some.filter((row) => row.met).length;
    return `| ${name} | ${showValues(some)} | ${goals} | ${met === some.length ? "yes" : `${met} of ${some.length}`} |`;
  });
  return [
    `\`make bench\` on ${machine.model}, ${machine.cpus} CPUs, Linux ${machine.kernel}, revision ${revision.slice(0, 12)}: ${countMet(rows)}.`,
    "Medians of interleaved runs, over all sizes that were measured;",
    `[every row](${folder}/results.json) has its samples, its spread and what stood beside it.`,
    "",
    "| what | measured | goal | met |",
    "|---|---|---|---|",
    ...lines,
    "",
    `Curves: ${pictures.length} pictures in [${folder}](${folder}).`,
  ].join("\n");
}

/** Throws where the page has no place for it. */
export function putFigures(page: string, block: string): string {
  const [from, to] = [page.indexOf(begin), page.indexOf(end)];
  if (from < 0 || to < from) throw new Error(`the page has no ${begin} … ${end}`);
  return `${page.slice(0, from + begin.length)}\n${block === "" ? "" : `\n${block}\n\n`}${page.slice(to)}`;
}
