/** Everything that the native program can be asked, as commands: what tests say of the verdict, and what was found. */
import { readScripts } from "../sequences/files.ts";
import { sayScript } from "../sequences/play-native.ts";
import { toHex } from "../support/packet.ts";
import { readCorpus } from "./fuzz/corpus.ts";
import { sayLife } from "./fuzz/life.ts";
import { makeWorld } from "./fuzz/world.ts";
import { sayRows } from "./rows.ts";
import { brokenScenes } from "./scenes/broken.ts";
import { confirmScenes, sayConfirm } from "./scenes/confirm.ts";
import { sayDamaged } from "./scenes/damaged.ts";
import { deniedRounds, sayDenied } from "./scenes/denied.ts";
import { directScenes } from "./scenes/direct.ts";
import { eventScenes } from "./scenes/events.ts";
import { sayExpress } from "./scenes/express.ts";
import { otherCpuScenes } from "./scenes/other-cpu.ts";
import { plainScenes } from "./scenes/plain.ts";
import { programScenes } from "./scenes/programs.ts";
import { sayScenes } from "./scenes/traffic.ts";

async function sayScripts(): Promise<string> {
  const texts: string[] = [];
  for (const [, script] of readScripts())
    for (const family of script.families) texts.push(await sayScript(script, family));
  return texts.join("");
}

/**
 * Each for a process of its own: the fuzzer's kept programs, the sequence scripts, the sentences' rows, the scenes, the
 * floods at an uplink, and so many generated lives.
 */
export async function sayInputs(lives: number): Promise<readonly string[]> {
  const programs = readCorpus().map((program) => `program ${toHex(program)}\n`);
  const rows = await sayRows();
  const scenes = [
    ...(await sayExpress()),
    ...(await sayDamaged([...brokenScenes, ...otherCpuScenes])),
    ...(await eventScenes()),
    ...(await sayScenes([...programScenes, ...directScenes, ...plainScenes])),
  ];
  const said = [
    (await makeWorld()).text + programs.join(""),
    await sayScripts(),
    rows.map(({ text }) => text).join(""),
    scenes.map(({ text }) => text).join("") + confirmScenes.map(sayConfirm).join(""),
  ];
  for (let round = 0; round < deniedRounds; round++) said.push(await sayDenied(round, false));
  for (let number = 0; number < lives; number++) said.push(await sayLife(number));
  return said;
}
