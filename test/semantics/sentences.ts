/** docs/semantics.md, cut into its sentences. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const documentPath = fileURLToPath(new URL("../../docs/semantics.md", import.meta.url));

export interface Sentence {
  /** The heading that it stands under; "" before the first one. */
  readonly heading: string;
  readonly line: number;
  readonly text: string;
}

/** A full stop ends nothing while a code span is open. */
function isInCode(text: string, end: number): boolean {
  return text.slice(0, end).split("`").length % 2 === 0;
}

/** A sentence ends with a full stop before a blank and something that may begin one. */
export function cutSentences(text: string): string[] {
  const sentences: string[] = [];
  let from = 0;
  for (const match of text.matchAll(/\.\**\)? (?=[A-Z0-9`(*])/g)) {
    if (isInCode(text, match.index)) continue;
    sentences.push(text.slice(from, match.index + match[0].length).trim());
    from = match.index + match[0].length;
  }
  sentences.push(text.slice(from).trim());
  return sentences.filter((sentence) => sentence !== "");
}

/** A row of a table is one sentence; its head says nothing. */
function cutTableRow(line: string): string[] {
  const cells = line.split("|").map((cell) => cell.trim());
  const isHead = cells[1] === "" || /^-+$/.test(cells[1] ?? "");
  return isHead ? [] : [cells.slice(1, -1).join(" | ")];
}

/** Every sentence in the document's order. In it each paragraph, bullet and row is one line. */
export function readSentences(text = readFileSync(documentPath, "utf8")): Sentence[] {
  const sentences: Sentence[] = [];
  let heading = "";
  for (const [index, line] of text.split("\n").entries()) {
    const title = /^#+ (.*)$/.exec(line);
    if (title !== null) {
      heading = line.startsWith("# ") ? "" : (title[1] ?? "");
      continue;
    }
    const body = line.replace(/^\s*(- |\d+\. )/, "");
    const cut = body.startsWith("|") ? cutTableRow(body) : cutSentences(body);
    sentences.push(...cut.map((sentence) => ({ heading, line: index + 1, text: sentence })));
  }
  return sentences;
}
