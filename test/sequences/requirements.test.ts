import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { readScripts } from "./files.ts";
import { type Requirement, requirements } from "./requirements.ts";

const scripts = readScripts();
const root = fileURLToPath(new URL("../..", import.meta.url));
const asked = new Set(scripts.flatMap(([, { asks }]) => asks));

function findUnshown(list: readonly Requirement[]): string[] {
  return list.filter(({ id, elsewhere }) => elsewhere === undefined && !asked.has(id)).map(({ id }) => id);
}

/** Ids in the first column of the table. */
function readDepartures(): string[] {
  const text = readFileSync(`${root}/docs/departures.md`, "utf8");
  return [...text.matchAll(/^\| (RFC [^|]+|netfilter [^|]+) \|/gm)].flatMap(([, cell = ""]) =>
    cell.split(";").map((id) => id.trim()),
  );
}

describe("what RFCs and netfilter's selftests ask", () => {
  it("has a script for each requirement", () => {
    expect(findUnshown(requirements)).toEqual([]);
  });

  it("control: one without a script would be named", () => {
    expect(findUnshown([...requirements, { id: "RFC 793 3.9", asks: "event processing" }])).toEqual([
      "RFC 793 3.9",
    ]);
  });

  it("has the test that is named where there is no script", () => {
    const missing = requirements.filter(
      ({ elsewhere }) =>
        elsewhere !== undefined &&
        !readFileSync(`${root}/${elsewhere.file}`, "utf8").includes(elsewhere.test),
    );
    expect(missing).toEqual([]);
  });

  it("is asked by known names only, one of them in the script's name", () => {
    const ids = new Set(requirements.map(({ id }) => id));
    const strangers = scripts.flatMap(([, { file, asks }]) =>
      asks.filter((id) => !ids.has(id)).map((id) => `${file} asks ${id}`),
    );
    const misnamed = scripts.filter(
      ([name, { asks }]) =>
        !asks.some((id) => name.startsWith(`${id.split(" ").slice(0, -1).join("").toLowerCase()}-`)) &&
        !asks.some((id) => name.startsWith(`${id.split(" ").slice(0, 2).join("").toLowerCase()}-`)),
    );
    expect(strangers).toEqual([]);
    expect(misnamed.map(([name]) => name)).toEqual([]);
  });

  it("is told to users where it is departed from, and nowhere else", () => {
    const departing = new Set(
      scripts.filter(([, { departs }]) => departs.length > 0).flatMap(([, { asks }]) => asks),
    );
    const told = new Set(readDepartures());
    expect([...departing].filter((id) => !told.has(id))).toEqual([]);
    expect([...told].filter((id) => !departing.has(id))).toEqual([]);
  });
});
