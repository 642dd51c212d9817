import { beforeAll, describe, expect, it } from "vitest";
import { objectPath } from "../../kernel/host.ts";
import { toHex } from "../../support/packet.ts";
import { saysTheSame } from "../../support/say.ts";
import { sanitizedProgram } from "../build.ts";
import { readCorpus } from "./corpus.ts";
import { readProgram, writeProgram } from "./steps.ts";
import { Kernel, runNative, runOracle, type Said } from "./three.ts";
import { makeWorld } from "./world.ts";

let native: readonly Said[] = [];

/** RINGWALL_PROGRAMS names another file than the corpus: what the fuzzer sampled, say. */
const programs = readCorpus(process.env.RINGWALL_PROGRAMS).map(readProgram);

beforeAll(async () => {
  native = await runNative(sanitizedProgram(), await makeWorld(), programs);
});

/** Where two differ, with the program that shows it. */
function differences(
  who: string,
  other: readonly (readonly (string | null)[])[],
  same: (native: string, other: string) => boolean,
): string[] {
  return programs.flatMap((program, index) => {
    const [left = [], right = []] = [native[index]?.verdicts, other[index]];
    if (left.length !== right.length)
      return [`program ${index}: ${left.length} frames, ${who} ${right.length}`];
    const at = left.findIndex((said, frame) => {
      const answer = right[frame] ?? null;
      return said !== null && answer !== null && !same(said, answer);
    });
    return at < 0
      ? []
      : [
          `program ${index} frame ${at}: native ${left[at]}, ${who} ${right[at]}: ${toHex(writeProgram(program))}`,
        ];
  });
}

describe("the programs that the fuzzer found", () => {
  it("reach every reason but that of a full table, and hundreds of sessions", () => {
    const words = new Set(native.flatMap(({ verdicts }) => verdicts.map((said) => said?.split(" ")[1])));
    const missing = [
      "rule",
      "session",
      "related",
      "inner-access",
      "default-egress",
      "no-rule",
      "default-drop",
    ]
      .concat(["spoofed-mac", "spoofed-address", "other-mac", "redirect", "source-route", "arp", "dhcp"])
      .concat(["neighbour-discovery", "router-advertisement", "malformed", "fragment", "unsupported"])
      .concat(["not-ready", "revoked", "observed", "midstream", "rate-limit", "ether-type"])
      .filter((reason) => !words.has(reason));
    expect(missing).toEqual([]);
    expect(native.flatMap(({ sessions }) => sessions).length).toBeGreaterThan(100);
  });

  it("are judged by the oracle as by the native build: verdict, reason, session, rule", async () => {
    const oracle: (readonly string[])[] = [];
    for (const program of programs) oracle.push(await runOracle(program));
    expect(differences("oracle", oracle, saysTheSame).slice(0, 5)).toEqual([]);
  });

  it("are judged by the shipped object as by the native build, and leave the same sessions", async () => {
    const kernel = await Kernel.open(objectPath);
    const said: Said[] = [];
    try {
      for (const program of programs) said.push(await kernel.run(program));
    } finally {
      kernel.close();
    }
    const verdicts = said.map((each) => each.verdicts);
    expect(differences("kernel", verdicts, (left, right) => left === right).slice(0, 5)).toEqual([]);
    for (const [index, { sessions }] of said.entries())
      expect(sessions, toHex(writeProgram(programs[index] ?? { choice: 0, steps: [] }))).toEqual(
        native[index]?.sessions,
      );
  });
});
