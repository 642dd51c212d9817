import { describe, expect, it } from "vitest";
import { renderChart } from "./chart.ts";
import { createBench, leastEffort } from "./context.ts";
import { curvesOf } from "./curves.ts";
import { checkResults, type Results } from "./results.ts";
import { isMet, makeLane, makeRow, medianOf, ratiosOf, spreadOf } from "./row.ts";
import { renderMarkdown, renderTable } from "./table.ts";

const atMost = (value: number) => ({ sense: "at most", value }) as const;
const atLeast = (value: number) => ({ sense: "at least", value }) as const;

const rowAt = (rules: number, family: string) => {
  const [ours, theirs] = [
    [100 + rules, 110 + rules],
    [200, 220],
  ];
  const peers = { Ringwall: makeLane(ours, "ns"), nftables: makeLane(theirs, "ns") };
  return makeRow("new session", { rules, family }, ratiosOf(ours, theirs), { goal: atMost(1.5), peers });
};

const results: Results = {
  machine: { kernel: "6.18.0", cpus: 2, model: "any", memory: 1 },
  revision: "abc",
  rows: [10, 100, 1000].flatMap((rules) => ["ipv4", "ipv6"].map((family) => rowAt(rules, family))),
};

describe("a row", () => {
  it("is the median of its samples, with half the distance of the quartiles as its spread", () => {
    expect(medianOf([5, 1, 3])).toBe(3);
    expect(medianOf([4, 1, 3, 2])).toBe(2.5);
    expect(spreadOf([8, 9, 10, 11, 12])).toBeCloseTo(0.1);
    expect(makeRow("one", {}, [5, 1, 3], {})).toMatchObject({ value: 3, goal: null, met: null });
  });

  it("misses its goal when its median is beyond it by more than the spread", () => {
    expect(isMet(1.3, 0.05, atMost(1.25))).toBe(true);
    expect(isMet(1.3, 0.03, atMost(1.25))).toBe(false);
    expect(isMet(2.9, 0.05, atLeast(3))).toBe(true);
    expect(isMet(2.9, 0.03, atLeast(3))).toBe(false);
  });

  it("is refused without a figure", () => {
    expect(() => makeRow("none", {}, [], {})).toThrow("none");
    expect(() => makeRow("odd", {}, ratiosOf([1], [0]), {})).toThrow("odd");
  });
});

it("lanes take turns, each round beginning with another", async () => {
  const turns: string[] = [];
  const bench = createBench({ ringwall: "", varied: "", floor: "" }, leastEffort, () => undefined);
  const lane = (name: string) => () => turns.push(name);
  const samples = await bench.interleave({ a: lane("a"), b: lane("b"), c: lane("c") }, 3);
  expect(turns.join("")).toBe("abcbcacab");
  expect(samples.a).toEqual([1, 6, 8]);
});

describe("results", () => {
  it("are written as they are read", () => {
    expect(checkResults(JSON.parse(JSON.stringify(results)))).toEqual(results);
  });

  it("are refused where a figure is missing or two rows say the same", () => {
    const [first] = results.rows;
    const rows = [{ ...first, value: null }];
    expect(() => checkResults({ ...results, rows })).toThrow("value");
    expect(() => checkResults({ ...results, rows: [{ ...first, met: null }] })).toThrow("together");
    expect(() => checkResults({ ...results, rows: [first, first] })).toThrow("two rows");
  });

  it("are a table, and the same in Markdown", () => {
    expect(renderTable(results.rows)).toContain("1,000 rules, ipv6");
    const line = "| new session | 1,000 rules, ipv6 | 5.27 × | at most 1.50 × | MISSED | 2 % |";
    expect(renderMarkdown(results, ["pictures/new-session.svg"])).toContain(line);
  });

  it("are curves where rows of a name differ in a number", () => {
    const curves = curvesOf([...results.rows, makeRow("alone", { rules: 1 }, [1], {})]);
    expect(curves.map(({ id, x, y }) => [id, x, y])).toEqual([["new-session", "rules", "ns"]]);
    const panels = curves[0]?.panels.map(({ title, lines }) => [title, ...lines.map(({ name }) => name)]);
    expect(panels).toEqual(["ipv4", "ipv6"].map((family) => [family, "Ringwall", "nftables"]));
  });

  it("are drawn with axes, units and a legend", () => {
    const [picture = ""] = curvesOf(results.rows).map(renderChart);
    for (const text of [
      ">rules<",
      ">ns<",
      ">Ringwall<",
      ">nftables<",
      ">ipv6<",
      ">1K<",
      "prefers-color-scheme",
    ])
      expect(picture).toContain(text);
    expect(picture).not.toMatch(/NaN|undefined|Infinity/);
    expect(picture.match(/<polyline/g)).toHaveLength(4);
  });
});
