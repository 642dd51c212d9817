/** One file on the editor's table. */
import type { SourceText } from "../model/yaml/source.ts";
import { writeText } from "./edit-block.ts";
import { EditError } from "./edit-error.ts";
import { readLayout } from "./edit-layout.ts";
import { matchValues } from "./edit-match.ts";
import {
  equalValues,
  type MapText,
  type Origins,
  readValue,
  type Settled,
  settleValue,
  Unread,
  type Value,
  type ValueMap,
} from "./edit-node.ts";
import { readText } from "./edit-read.ts";
import { renderEntries } from "./edit-render.ts";

export const sections = ["networks", "prefixLists", "groups", "instances"] as const;
export type Section = (typeof sections)[number];

export interface OpenFile extends SourceText {
  readonly mark: string;
  readonly body: string;
  readonly isNew: boolean;
  readonly root: MapText | null;
  readonly value: ValueMap;
  readonly origins: Origins;
}

/** @throws EditError where it is no YAML map */
export function openFile({ path, text }: SourceText, isNew: boolean): OpenFile {
  const mark = text.startsWith("\uFEFF") ? "\uFEFF" : "";
  const body = text.slice(mark.length);
  const root = readText(path, body);
  const origins: Origins = new WeakMap();
  const value = root === null ? new Map<string, Value>() : readValue(root, origins);
  return { path, text, mark, body, isNew, root, value: value instanceof Map ? value : new Map(), origins };
}

/** The entries of a section, by id. */
export function sectionOf(file: ValueMap, section: Section): ValueMap | undefined {
  const found = file.get(section);
  return found instanceof Map ? found : undefined;
}

/** What an entry says, read now where it was not before. */
export function openEntry({ origins }: OpenFile, entries: ValueMap, id: string): Settled | undefined {
  const value = entries.get(id);
  if (!(value instanceof Unread)) return value;
  const read = readValue(value.node, origins);
  entries.set(id, read);
  return settleValue(read);
}

/** The network of a group, or of an instance's first interface. */
export function networkOf(entry: Value): Value | undefined {
  if (entry instanceof Unread) return /\bnetwork: *["']?([\w.-]+)/.exec(entry.text)?.[1];
  if (!(entry instanceof Map)) return undefined;
  const interfaces = entry.get("interfaces");
  if (!(interfaces instanceof Map)) return entry.get("network");
  const [first] = interfaces.values();
  return first instanceof Map ? first.get("network") : undefined;
}

/** Whether the file is to say anything else than it does. */
export function isChanged({ root, value }: OpenFile): boolean {
  return root === null || !equalValues(readValue(root), value);
}

/**
 * The text with all changes, which has been read again.
 * @throws EditError where the layout cannot take a change without another one
 */
export function writeFile(file: OpenFile): string {
  const { path, body, value, origins } = file;
  const root = file.root === null ? null : settleEntries(file.root, file);
  const layout = readLayout(body, root);
  const written =
    root === null
      ? `${body}${renderEntries(value, 0, [], layout).join(layout.eol)}${layout.eol}`
      : writeText(body, root, value, matchValues(root, value, origins), layout);
  const read = readText(path, written);
  if (read !== null && equalValues(readValue(read), value)) return written;
  throw new EditError(
    `${path}: its layout does not let this change be made without another: make it by hand.`,
  );
}

/**
 * The nodes with everything read that is about to change: entries that are to say something else, and the last
 * one of each section, behind which new ones come.
 */
function settleEntries(root: MapText, file: OpenFile): MapText {
  const entries = root.entries.map((section) => {
    const node = section.value;
    const wanted = file.value.get(section.key);
    if (node.kind !== "map" || !(wanted instanceof Map)) return section;
    const last = node.entries.at(-1);
    if (last !== undefined) openEntry(file, wanted, last.key);
    const inner = node.entries.map((entry) => {
      const { value } = entry;
      const stays = value.kind !== "unread" || wanted.get(entry.key) === value.entry;
      return stays ? entry : { ...entry, value: value.entry.node };
    });
    return { ...section, value: { ...node, entries: inner } };
  });
  return { ...root, entries };
}
