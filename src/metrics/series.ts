/** Series in the text format, as they are read: thousands at each scrape, for which a registry would keep objects. */
import type { Definition } from "./definitions.ts";

/** The labels of one series. A value may hold anything. */
export function writeLabels(labels: Readonly<Record<string, string>>): string {
  let text = "";
  for (const name in labels) text += `${text === "" ? "" : ","}${name}="${escapeValue(labels[name] ?? "")}"`;
  return text;
}

const special = /[\\\n"]/;

function escapeValue(value: string): string {
  if (!special.test(value)) return value;
  return value.replaceAll("\\", "\\\\").replaceAll("\n", "\\n").replaceAll('"', '\\"');
}

/** One metric and what it has at a scrape. */
export class Series {
  readonly #name: string;
  #text: string;

  constructor({ name, type, help }: Definition) {
    this.#name = name;
    this.#text = `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n`;
  }

  /** `labels` as writeLabels gives them. */
  add(labels: string, value: number | bigint): void {
    this.#text += `${this.#name}{${labels}} ${value}\n`;
  }

  get text(): string {
    return this.#text;
  }
}
