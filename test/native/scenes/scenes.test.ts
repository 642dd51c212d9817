import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { sayKernel } from "../../support/say.ts";
import { buildProgram, sanitizedProgram, textFolder } from "../build.ts";
import { type NativeAnswers, readAnswers, runProgram } from "../program.ts";
import type { RowFrame } from "../rows.ts";
import { brokenScenes } from "./broken.ts";
import { confirmScenes, expectConfirm, readConfirm, sayConfirm } from "./confirm.ts";
import { sayDamaged } from "./damaged.ts";
import { directScenes } from "./direct.ts";
import { eventScenes } from "./events.ts";
import { sayExpress } from "./express.ts";
import { otherCpuScenes, revokedScenes } from "./other-cpu.ts";
import { plainScenes } from "./plain.ts";
import { programScenes } from "./programs.ts";
import { sayScenes } from "./traffic.ts";

let program = "";
beforeAll(() => {
  program = sanitizedProgram();
});

function ask(text: string): NativeAnswers {
  const { end, stderr, lines } = runProgram(program, text);
  expect(end, stderr).toBe(0);
  return readAnswers(lines);
}

/** What each frame got, as far as the scene says what it must get. */
function said({ verdicts }: NativeAnswers, frames: readonly RowFrame[]): string[] {
  return frames.map((frame, index) => {
    const verdict = verdicts[index];
    if (verdict === undefined) return "nothing";
    const words = sayKernel(verdict, frame.resolved, frame.interface).split(" ");
    return words.slice(0, frame.expected.split(" ").length).join(" ");
  });
}

describe("the express way", async () => {
  it.each(await sayExpress())("$claim", ({ text, frames, express }) => {
    const answers = ask(text);
    expect(said(answers, frames)).toEqual(frames.map(({ expected }) => expected));
    expect(answers.express).toEqual(express);
  });
});

describe("maps that are not as the agent writes them, or that another CPU changes meanwhile", async () => {
  it.each(await sayDamaged([...brokenScenes, ...otherCpuScenes, ...revokedScenes]))(
    "$claim",
    ({ text, frames, sessions }) => {
      const answers = ask(text);
      expect(said(answers, frames)).toEqual(frames.map(({ expected }) => expected));
      if (sessions !== null)
        expect(
          answers.tellings.map((told) => told.map(({ table, entry }) => `${table} ${entry.state}`).sort()),
        ).toEqual(sessions);
    },
  );
});

describe("control: a flag of a session that is read, and written back changed", () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "ringwall-scenes-"));
    return () => rmSync(folder, { recursive: true, force: true });
  });

  it("takes away that another CPU revoked the session meanwhile", async () => {
    cpSync(textFolder, join(folder, "bpf"), { recursive: true });
    const header = join(folder, "bpf/include/flags.h");
    const right = readFileSync(header, "utf8");
    const written = "word_or(flags_word(session), flags << FLAGS_SHIFT);";
    // The other CPU's turn is where this one would write.
    const wrong =
      "{ __u8 read = session->flags; word_or(flags_word(session), 0); session->flags = read | flags; }";
    expect(right).toContain(written);
    writeFileSync(header, right.replace(written, wrong));
    const broken = buildProgram(folder, { text: join(folder, "bpf"), flags: ["-O1"] });
    for (const { claim, text, frames } of await sayDamaged(revokedScenes)) {
      const { lines } = runProgram(broken, text);
      expect(said(readAnswers(lines), frames).at(-1), claim).toBe("accept session");
    }
  });
});

describe("whole programs, at the devices of a machine", async () => {
  it.each(await sayScenes([...programScenes, ...directScenes, ...plainScenes]))(
    "$claim",
    ({ text, machine }) => {
      const { end, stderr, lines } = runProgram(program, text);
      expect(end, stderr).toBe(0);
      expect(machine.read(lines)).toEqual(machine.runs.map(({ expected }) => expected));
    },
  );
});

describe("a change that waits for its confirmation", () => {
  it.each(confirmScenes)("$claim", (scene) => {
    const { end, stderr, lines } = runProgram(program, sayConfirm(scene));
    expect(end, stderr).toBe(0);
    expect(readConfirm(lines)).toEqual(expectConfirm(scene));
  });
});

describe("the event of a dropped packet", async () => {
  it.each(await eventScenes())("$claim", ({ text, expected }) => {
    expect(ask(text).events).toMatchObject(expected);
  });
});
