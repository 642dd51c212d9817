/** From the text of rules files to a `Model`, with every problem at once. */
import type { GroupHead } from "./context.ts";
import { atItem, atKey, type Cursor, placeOf } from "./cursor.ts";
import { type Diagnostic, Diagnostics, TooManyErrors } from "./diagnostic.ts";
import { decodeGroup, readGroupHead } from "./group.ts";
import { decodeInterface } from "./interface.ts";
import { checkModelLimits } from "./limits.ts";
import { checkDefaultName, checkInterfaces, findDefaultGroups, type Locate } from "./membership.ts";
import type { Group, Interface, Limits, Model, Network, Place, PrefixList } from "./model.ts";
import { decodeNetwork } from "./network.ts";
import { decodePrefixList } from "./prefix-list.ts";
import { type Declarations, type Declared, readDeclarations } from "./section.ts";
import { defaultGroupId, makeDefaultGroup } from "./template.ts";
import { readYaml } from "./yaml/read.ts";
import { Source, type SourceText } from "./yaml/source.ts";

export interface ParseOptions {
  readonly limits: Limits;
  /** This host's name: an interface without `host` is on it. Left out: on a host of no name. */
  readonly host?: string;
}

export interface ParseResult {
  /** null where a diagnostic is an error: a rule set is legal as a whole, or refused as a whole. */
  readonly model: Model | null;
  /** By file, line and column. */
  readonly diagnostics: readonly Diagnostic[];
}

export interface ParseProgress {
  /** Characters. */
  readonly done: number;
  readonly total: number;
}

/** Reads rules files; together they are one model. Blocks: 0.3 s for a megabyte. */
export function parseModel(files: readonly SourceText[], options: ParseOptions): ParseResult {
  const steps = parseSteps(files, options);
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
  }
}

const sliceMilliseconds = 12;

/**
 * The same in slices of some 12 ms between which the event loop runs: for the agent, and for a progress bar.
 * A file that YAML's layout does not let cut (one in flow style, or with anchors) is one slice.
 * Throws the signal's reason when it is aborted.
 */
export async function parseModelInSlices(
  files: readonly SourceText[],
  options: ParseOptions,
  { signal, onProgress }: { signal?: AbortSignal; onProgress?: (progress: ParseProgress) => void } = {},
): Promise<ParseResult> {
  const steps = parseSteps(files, options);
  let until = performance.now() + sliceMilliseconds;
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
    if (performance.now() < until) continue;
    onProgress?.(step.value);
    await new Promise((resolve) => setImmediate(resolve));
    signal?.throwIfAborted();
    until = performance.now() + sliceMilliseconds;
  }
}

/** Reading is most of the work, decoding the rest. */
const readShare = 0.85;

function* parseSteps(
  files: readonly SourceText[],
  options: ParseOptions,
): Generator<ParseProgress, ParseResult> {
  const diagnostics = new Diagnostics();
  let model: Model | null = null;
  try {
    model = yield* readSteps(files, options, diagnostics);
  } catch (error) {
    if (!(error instanceof TooManyErrors)) throw error;
  }
  return {
    model: diagnostics.hasErrors ? null : model,
    diagnostics: diagnostics.sorted(files.map((file) => file.path)),
  };
}

function* readSteps(
  files: readonly SourceText[],
  options: ParseOptions,
  diagnostics: Diagnostics,
): Generator<ParseProgress, Model> {
  const total = files.reduce((sum, file) => sum + file.text.length, 0);
  const roots: Cursor[] = [];
  let before = 0;
  for (const file of files) {
    const source = new Source(file);
    const steps = readYaml(source, diagnostics);
    const faults = diagnostics.errorCount;
    let step = steps.next();
    for (; !step.done; step = steps.next()) yield { done: (before + step.value) * readShare, total };
    before += file.text.length;
    const unread = diagnostics.errorCount > faults;
    const empty = { kind: "map", at: 0, entries: [] } as const;
    if (!unread) roots.push({ source, node: step.value ?? empty, keyAt: 0, diagnostics });
  }
  const reader = new ModelReader(readDeclarations(roots), options, diagnostics);
  const items = reader.read();
  let item = items.next();
  for (; !item.done; item = items.next())
    yield { done: total * (readShare + (1 - readShare) * item.value), total };
  return item.value;
}

/** Decodes declarations in the order in which they need each other. */
class ModelReader {
  readonly #declared: Declarations;
  readonly #options: ParseOptions;
  readonly #diagnostics: Diagnostics;
  readonly #networks = new Map<string, Network | null>();
  readonly #prefixLists = new Map<string, PrefixList | null>();
  readonly #heads = new Map<string, GroupHead>();
  readonly #groups = new Map<string, Group>();
  readonly #interfaces = new Map<string, Interface>();

  constructor(declared: Declarations, options: ParseOptions, diagnostics: Diagnostics) {
    this.#declared = declared;
    this.#options = options;
    this.#diagnostics = diagnostics;
  }

  /** Yields the share that is done. */
  *read(): Generator<number, Model> {
    const { networks, prefixLists, groups, interfaces } = this.#declared;
    const { limits } = this.#options;
    for (const [id, { cursor }] of networks) this.#networks.set(id, decodeNetwork(id, cursor));
    for (const [id, { cursor }] of prefixLists) {
      this.#prefixLists.set(id, decodePrefixList(id, cursor, limits));
      yield 0;
    }
    for (const [id, { cursor }] of groups) this.#heads.set(id, readGroupHead(id, cursor));
    const names = { networks: this.#networks, prefixLists: this.#prefixLists, groups: this.#heads, limits };
    const count = groups.size + interfaces.size;
    let done = 0;
    for (const [id, { cursor }] of groups) {
      const head = this.#heads.get(id);
      const group = head === undefined ? null : decodeGroup(head, cursor, names);
      if (group !== null) this.#groups.set(id, group);
      done += 1;
      yield done / count;
    }
    const defaults = findDefaultGroups(this.#heads.values(), this.#diagnostics);
    for (const [id, { cursor, instance }] of interfaces) {
      const member = decodeInterface(id, instance, cursor, names, (network) => defaults.get(network));
      if (member !== null) this.#interfaces.set(id, member);
      done += 1;
      yield done / count;
    }
    return this.#finish(defaults);
  }

  #finish(defaults: ReadonlyMap<string, string>): Model {
    const locate: Locate = (member, key, index) => this.#locate(member, key, index);
    checkInterfaces([...this.#interfaces.values()], this.#options.host, locate, this.#diagnostics);
    this.#makeDefaultGroups(defaults);
    const model = {
      networks: withoutNulls(this.#networks),
      prefixLists: withoutNulls(this.#prefixLists),
      groups: this.#groups,
      interfaces: this.#interfaces,
    };
    checkModelLimits(model, this.#options.limits, this.#diagnostics);
    return model;
  }

  #locate(member: Interface, key: string, index?: number): Place | null {
    const cursor = this.#declared.interfaces.get(member.id)?.cursor;
    if (cursor === undefined) return member.place;
    const at = atKey(cursor, key);
    return placeOf(index === undefined ? at : atItem(at, index));
  }

  #makeDefaultGroups(defaults: ReadonlyMap<string, string>): void {
    const tried = new Set<string>();
    for (const member of this.#interfaces.values()) {
      const network = this.#networks.get(member.network);
      if (network === null || network === undefined || defaults.has(network.id) || tried.has(network.id))
        continue;
      if (!this.#namesNoGroup(member)) continue;
      tried.add(network.id);
      if (!checkDefaultName(network.id, this.#heads, member, this.#diagnostics)) continue;
      this.#groups.set(defaultGroupId(network.id), makeDefaultGroup(network));
    }
  }

  #namesNoGroup(member: Interface): boolean {
    const declared: Declared | undefined = this.#declared.interfaces.get(member.id);
    return (
      declared !== undefined &&
      member.groups[0] === defaultGroupId(member.network) &&
      !namesGroups(declared.cursor)
    );
  }
}

function namesGroups({ node }: Cursor): boolean {
  if (node.kind !== "map") return false;
  const groups = node.entries.find((entry) => entry.key === "groups")?.value;
  return groups?.kind === "list" && groups.items.length > 0;
}

function withoutNulls<T>(map: ReadonlyMap<string, T | null>): Map<string, T> {
  const result = new Map<string, T>();
  for (const [id, value] of map) if (value !== null) result.set(id, value);
  return result;
}
