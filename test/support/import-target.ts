/** Imports of tests: a target, and the model that the result makes, read by the product's own reader. */
import { stringify } from "yaml";
import type { SourceFormat } from "../../src/interchange/detect.ts";
import type { Imported, ImportTarget } from "../../src/interchange/importer.ts";
import { type SourceFile, translateSource } from "../../src/interchange/translate.ts";
import { formatDiagnostic } from "../../src/model/diagnostic.ts";
import { defaultLimits, type Model } from "../../src/model/model.ts";
import { parseModel } from "../../src/model/parse.ts";

/** Into `vpc-a`, where nothing is yet. */
export function target(fields: Partial<ImportTarget> = {}): ImportTarget {
  return {
    network: "vpc-a",
    networkType: "vpc",
    groups: new Set(),
    prefixLists: new Set(),
    name: null,
    only: null,
    device: null,
    ...fields,
  };
}

/** One text, whatever its format; `name` is the file's. */
export function importText(
  text: string,
  fields: Partial<ImportTarget> = {},
  { format = "auto", name = "source" }: { format?: SourceFormat | "auto"; name?: string } = {},
): Imported {
  return importFiles([{ name, text }], fields, format);
}

export function importFiles(
  files: readonly SourceFile[],
  fields: Partial<ImportTarget> = {},
  format: SourceFormat | "auto" = "auto",
): Imported {
  return translateSource(files, format, target(fields));
}

/** The model of what was imported, beside other sections of a rules file. Throws what is wrong with it. */
export function modelOf(imported: Imported, rest: { readonly [section: string]: object } = {}): Model {
  const text = stringify(
    {
      version: 1,
      networks: { "vpc-a": { type: "vpc" } },
      ...rest,
      prefixLists: { ...rest.prefixLists, ...Object.fromEntries(imported.prefixLists) },
      groups: { ...rest.groups, ...Object.fromEntries(imported.groups) },
    },
    { aliasDuplicateObjects: false },
  );
  const { model, diagnostics } = parseModel([{ path: "rules.yaml", text }], {
    // What a source may hold, it may hold here: whether it fits the limits is another test's matter.
    limits: { ...defaultLimits, rulesPerGroup: 4096, rulesPerInterface: 4096 },
  });
  if (model === null) throw new Error(`${diagnostics.map(formatDiagnostic).join("\n")}\n${text}`);
  return model;
}
