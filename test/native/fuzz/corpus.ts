/** Programs that are kept: one a line, in hex; a line with # says what those behind it are about. */
import { readFileSync } from "node:fs";
import { hex } from "../../support/packet.ts";
import { corpusFile } from "../build.ts";

export function readCorpus(path: string = corpusFile): readonly Uint8Array[] {
  return readFileSync(path, "utf8")
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("#"))
    .map(hex);
}
