/** YAML that is no rules file, by the reader of rules files: the same bounds, the same words for what is wrong. */
import { Diagnostics, formatDiagnostic } from "../model/diagnostic.ts";
import type { YamlNode } from "../model/yaml/node.ts";
import { readYaml } from "../model/yaml/read.ts";
import { Source, type SourceText } from "../model/yaml/source.ts";
import { refusal } from "./exit.ts";
import { readSource } from "./read-source.ts";

export interface YamlFile {
  readonly source: Source;
  /** Undefined: nothing is written there. */
  readonly root: YamlNode | undefined;
}

/** @throws CliError where the file cannot be read, or is no YAML that could be a rules file's, with every fault */
export function readYamlFile(path: string): YamlFile {
  const source = new Source(withoutTabs(readSource(path)));
  const diagnostics = new Diagnostics();
  const steps = readYaml(source, diagnostics);
  let step = steps.next();
  while (!step.done) step = steps.next();
  const wrong = diagnostics.sorted([path]).filter(({ severity }) => severity === "error");
  if (wrong.length > 0) throw refusal(`the file is wrong:\n${wrong.map(formatDiagnostic).join("\n")}`);
  return { source, root: step.value };
}

/** Programs indent JSON by tabs, which YAML takes for none: as spaces all places stay what they are. */
function withoutTabs({ path, text }: SourceText): SourceText {
  return isJson(text)
    ? { path, text: text.replaceAll(/^\t+/gm, (tabs) => " ".repeat(tabs.length)) }
    : { path, text };
}

function isJson(text: string): boolean {
  if (!/^\s*[[{]/.test(text)) return false;
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false; // YAML's brackets, too: the reader says what is wrong, if anything is.
  }
}
