/** Foreign files on a command line, translated into what the draft's model can take. */
import { sourceFormats } from "../../interchange/detect.ts";
import type { Imported } from "../../interchange/importer.ts";
import { translateSource } from "../../interchange/translate.ts";
import type { Model, Network } from "../../model/model.ts";
import { checkId } from "../../model/text.ts";
import { usageError } from "../exit.ts";
import { splitWords } from "../find.ts";
import { readSource } from "../read-source.ts";

export interface SourceOptions {
  readonly format: (typeof sourceFormats)[number] | "auto";
  readonly only: string | undefined;
  readonly device: string | undefined;
  readonly partial: boolean;
}

/** Options of commands that read foreign rules. */
export const sourceOptions = {
  format: {
    choices: [...sourceFormats, "auto"] as const,
    default: "auto" as const,
    describe: "Whose rules these are",
  },
  only: {
    type: "string",
    requiresArg: true,
    describe: "Of a file with several groups: these ids or names, a,b",
  },
  device: {
    type: "string",
    requiresArg: true,
    describe: "Of a Proxmox guest's file: the interface that is meant, net0",
  },
  partial: {
    type: "boolean",
    default: false,
    describe: "Go on without accepts that cannot be said here",
  },
} as const;

/** `id`: what the one group of the files is called here; null: as in the files. @throws CliError */
export function readForeign(
  paths: readonly string[],
  options: SourceOptions,
  model: Model,
  network: Network,
  id: string | null,
): ReturnType<typeof translateSource> {
  const checked = id === null ? null : checkId("group", id);
  if (checked !== null && !checked.ok) throw usageError(`${checked.problem.message}.`);
  const files = paths.map((path) => ({ name: path, text: readSource(path).text }));
  const here = [...model.groups.values()].filter((group) => group.network === network.id);
  return translateSource(files, options.format, {
    network: network.id,
    networkType: network.type,
    groups: new Set(here.map((group) => group.id)),
    prefixLists: new Set(model.prefixLists.keys()),
    name: id,
    only: splitWords("only", options.only) ?? null,
    device: options.device ?? null,
  });
}

/** What came of a translation, as programs read it. */
export function recordImport({ groups, prefixLists, findings }: Imported) {
  return {
    groups: [...groups].map(([id, { type, rules }]) => ({ id, type, rules: rules.length })),
    prefixLists: [...prefixLists].map(([id, { entries }]) => ({ id, entries: entries.length })),
    findings,
  };
}
