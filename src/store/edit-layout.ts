/** How a file is laid out, as far as new lines should follow it. */
import { columnOf } from "./edit-lines.ts";
import type { TextNode } from "./edit-node.ts";
import { type Kind, kindBelow, type Layout } from "./edit-render.ts";

/** Looks at everything that is written; a file without anything to go by is laid out as the manual's examples. */
export function readLayout(text: string, root: TextNode | null): Layout {
  const eol = /\r?\n/.exec(text)?.[0] ?? "\n";
  const seen = new LayoutReader(text);
  if (root !== null) seen.visit(root, [], 0);
  const { step, listStep, flows } = seen;
  return {
    eol,
    step: step ?? 2,
    listStep: listStep ?? 2,
    flowAt: (kind) => flows.get(kind.join(" ")),
  };
}

/** The same layout, but parts of this kind look like `sibling`. */
export function layoutLike(layout: Layout, kind: Kind, sibling: TextNode | undefined): Layout {
  if (sibling === undefined || !showsStyle(sibling)) return layout;
  const wanted = kind.join(" ");
  return { ...layout, flowAt: (asked) => (asked.join(" ") === wanted ? sibling.flow : layout.flowAt(asked)) };
}

/** Empty brackets say nothing about what their owner prefers. */
function showsStyle(node: TextNode): node is Extract<TextNode, { flow: boolean }> {
  return (node.kind === "map" && node.entries.length > 0) || (node.kind === "list" && node.items.length > 0);
}

class LayoutReader {
  step: number | undefined;
  listStep: number | undefined;
  readonly flows = new Map<string, boolean>();
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  visit(node: TextNode, kind: Kind, owner: number): void {
    if (node.kind !== "map" && node.kind !== "list") return;
    if (showsStyle(node)) this.flows.set(kind.join(" "), node.flow);
    if (node.kind === "map") {
      const column = node.flow ? 0 : columnOf(this.#text, node.from);
      if (!node.flow && kind.length > 0 && kind.at(-1) !== "*" && column > owner)
        this.step ??= column - owner;
      for (const { key, value } of node.entries) this.visit(value, kindBelow(kind, key), column);
      return;
    }
    if (!node.flow) this.listStep ??= Math.max(0, columnOf(this.#text, node.from) - owner);
    for (const { value } of node.items) this.visit(value, [...kind, "*"], 0);
  }
}
