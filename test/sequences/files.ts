/** The scripts of this folder. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseScript } from "./parse.ts";
import type { Script } from "./script.ts";

const room = fileURLToPath(new URL(".", import.meta.url));

/** By file name. Throws a SyntaxError that names file and line of whatever is wrong in one. */
export function readScripts(): readonly (readonly [string, Script])[] {
  return readdirSync(room)
    .filter((name) => name.endsWith(".seq"))
    .sort()
    .map((name) => [name, parseScript(`test/sequences/${name}`, readFileSync(join(room, name), "utf8"))]);
}
