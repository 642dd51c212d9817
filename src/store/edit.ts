/**
 * Edits rules files as a careful person would: comments, order, quotes, brackets and line ends of everything
 * that is not meant stay as they are, to the byte.
 *
 * Values are changed as values; the text is written once, by `finish`, from the difference, and read again:
 * a file that would then say anything but what is meant is refused. An alias (`rules: *web`) that is changed,
 * or whose anchor is, is written out where it stands, so that no change reaches a place that nobody named.
 */
import type { SourceText } from "../model/yaml/source.ts";
import { EditError } from "./edit-error.ts";
import {
  isChanged,
  networkOf,
  type OpenFile,
  openEntry,
  openFile,
  type Section,
  sectionOf,
  writeFile,
} from "./edit-file.ts";
import { adoptValue } from "./edit-match.ts";
import { fromPlain, type PlainValue, toPlain, type Value, type ValueMap } from "./edit-node.ts";
import { insertInOrder } from "./edit-order.ts";

export { EditError } from "./edit-error.ts";
export { type Section, sections } from "./edit-file.ts";
export type { PlainValue } from "./edit-node.ts";

/** Keys and places in lists that lead from an entry to a value in it: `["rules", 2, "priority"]`. */
export type EditPath = readonly (string | number)[];

/** A file as it was and as it is to be. `before` is empty for one that is new. */
export interface FileChange {
  readonly path: string;
  readonly before: string;
  readonly after: string;
}

export interface EditResult {
  /** All of them, in their order; a new one last. */
  readonly files: readonly SourceText[];
  /** Those whose bytes changed. */
  readonly changes: readonly FileChange[];
}

export class RulesEditor {
  readonly #files: OpenFile[];
  readonly #newFile: string;

  private constructor(files: OpenFile[], newFile: string) {
    this.#files = files;
    this.#newFile = newFile;
  }

  /**
   * @param files legal rules files (parseModel found nothing wrong with them)
   * @param newFile where an entry goes when no file has its section; made when there is no such file
   * @throws EditError where a file is no YAML
   */
  static open(files: readonly SourceText[], newFile: string): RulesEditor {
    return new RulesEditor(
      files.map((file) => openFile(file, false)),
      newFile,
    );
  }

  /** The ids of a section, in the order of the files. */
  ids(section: Section): readonly string[] {
    return this.#files.flatMap(({ value }) => [...(sectionOf(value, section)?.keys() ?? [])]);
  }

  /** What an entry says; undefined where there is none. */
  entry(section: Section, id: string): PlainValue | undefined {
    const found = this.#find(section, id);
    const value = found === undefined ? undefined : openEntry(found.file, found.entries, id);
    return value === undefined ? undefined : toPlain(value);
  }

  /** Adds an entry, or makes the one of this id say this; what it says already keeps its text. */
  setEntry(section: Section, id: string, value: PlainValue): void {
    const wanted = fromPlain(value);
    const found = this.#find(section, id);
    if (found === undefined) this.#placeFor(section, wanted).set(id, wanted);
    else found.entries.set(id, adoptValue(openEntry(found.file, found.entries, id), wanted));
  }

  /** @throws EditError where there is none */
  deleteEntry(section: Section, id: string): void {
    this.#require(section, id).entries.delete(id);
  }

  /**
   * Sets one value in an entry; a new key takes its place in the usual order.
   * @throws EditError where the path leads nowhere
   */
  setValue(section: Section, id: string, path: EditPath, value: PlainValue): void {
    const [holder, last] = this.#holder(section, id, path);
    if (holder instanceof Map)
      insertInOrder(holder, String(last), adoptValue(holder.get(String(last)), fromPlain(value)));
    else if (typeof last === "number" && last >= 0 && last < holder.length) holder[last] = fromPlain(value);
    else throw nowhere(section, id, path);
  }

  /** Takes a key out of a map, or an item out of a list. @throws EditError where it is not there */
  deleteValue(section: Section, id: string, path: EditPath): void {
    const [holder, last] = this.#holder(section, id, path);
    if (
      holder instanceof Map ? !holder.delete(String(last)) : typeof last !== "number" || last >= holder.length
    )
      throw nowhere(section, id, path);
    if (Array.isArray(holder) && typeof last === "number") holder.splice(last, 1);
  }

  /** Adds an item to the end of a list, which is made where it is missing. */
  addItem(section: Section, id: string, path: EditPath, value: PlainValue): void {
    const [holder, last] = this.#holder(section, id, path);
    const list = holder instanceof Map ? holder.get(String(last)) : holder[Number(last)];
    if (Array.isArray(list)) list.push(fromPlain(value));
    else if (list === undefined || list === null) this.setValue(section, id, path, [value]);
    else throw nowhere(section, id, path);
  }

  /**
   * The files with all changes.
   * @throws EditError where a file's layout cannot take a change without another one
   */
  finish(): EditResult {
    const changes: FileChange[] = [];
    const files = this.#files.map((file): SourceText => {
      const { path, text } = file;
      if (!isChanged(file)) return { path, text };
      const after = file.mark + writeFile(file);
      changes.push({ path, before: file.isNew ? "" : text, after });
      return { path, text: after };
    });
    return { files, changes };
  }

  #find(section: Section, id: string): { file: OpenFile; entries: ValueMap } | undefined {
    for (const file of this.#files) {
      const entries = sectionOf(file.value, section);
      if (entries?.has(id) === true) return { file, entries };
    }
    return undefined;
  }

  #require(section: Section, id: string): { file: OpenFile; entries: ValueMap } {
    const found = this.#find(section, id);
    if (found === undefined) throw new EditError(`There is no ${id} under ${section}.`);
    return found;
  }

  #holder(section: Section, id: string, path: EditPath): [ValueMap | Value[], string | number] {
    const { file, entries } = this.#require(section, id);
    let value: Value | undefined = openEntry(file, entries, id);
    for (const step of path.slice(0, -1)) {
      if (value instanceof Map) value = value.get(String(step));
      else value = Array.isArray(value) && typeof step === "number" ? value[step] : undefined;
    }
    const last = path.at(-1);
    if (last === undefined || !(value instanceof Map || Array.isArray(value)))
      throw nowhere(section, id, path);
    return [value, last];
  }

  /** The section where a new entry goes: beside others of its network, else in the last file that has it. */
  #placeFor(section: Section, entry: Value): ValueMap {
    const holding = this.#files.filter(({ value }) => value.has(section));
    const network = networkOf(entry);
    const beside = holding.findLast(({ value }) =>
      [...(sectionOf(value, section)?.values() ?? [])].some(
        (other) => network !== undefined && networkOf(other) === network,
      ),
    );
    const file = beside ?? holding.at(-1) ?? this.#fileForNew();
    const found = sectionOf(file.value, section);
    if (found !== undefined) return found;
    const made: ValueMap = new Map();
    insertInOrder(file.value, section, made);
    return made;
  }

  #fileForNew(): OpenFile {
    const known = this.#files.find(({ path }) => path === this.#newFile);
    if (known !== undefined) return known;
    const file = openFile({ path: this.#newFile, text: "" }, true);
    file.value.set("version", 1);
    this.#files.push(file);
    return file;
  }
}

function nowhere(section: Section, id: string, path: EditPath): EditError {
  return new EditError(`${section}, ${id}: there is no ${path.join(".")}.`);
}
