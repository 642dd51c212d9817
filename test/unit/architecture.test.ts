/** Holds the tree to ARCHITECTURE.md: its table of imports is read here, not repeated. */
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

const root = fileURLToPath(new URL("../..", import.meta.url));
const read = (file: string): string => readFileSync(join(root, file), "utf8");

function listFiles(folder: string, ending: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(ending))
    .map((name) => join(folder, name))
    .sort();
}

interface Import {
  readonly from: string;
  readonly to: string;
  /** `import type`: gone when the code runs. */
  readonly typeOnly: boolean;
}

/** Imports of our own files, static and lazy. */
function importsOf(file: string): Import[] {
  const statements =
    /(import type [^;]*?from|export type [^;]*?from|from|import)\s*\(?\s*"(\.{1,2}\/[^"]+)"/g;
  return [...read(file).matchAll(statements)].map((match) => ({
    from: file,
    to: relative(root, join(root, dirname(file), match[2] ?? "")),
    typeOnly: /^(import|export) type/.test(match[1] ?? ""),
  }));
}

/** `src/kernel/maps.ts` is `kernel/maps`; what is not in src/ keeps its folder. */
const shorten = (file: string): string => file.replace(/^src\//, "").replace(/(\.d)?\.ts$/, "");
const roomOf = (file: string): string => shorten(file).split("/")[0] ?? "";
const show = ({ from, to }: Import): string => `${from} → ${to}`;

interface Entry {
  readonly room: string;
  /** A room, or a file of one. */
  readonly target: string;
  /** The one file of the room that may import it; undefined: all. */
  readonly by: string | undefined;
}

/** The rows of ARCHITECTURE.md's table that speak of src/. */
function readTable(): Entry[] {
  const rows = [...read("ARCHITECTURE.md").matchAll(/^\| `src\/(\w+)\/` \|[^|]*\|([^|]*)\|$/gm)];
  return rows.flatMap(([, room = "", cell = ""]) =>
    cell.trim() === "–"
      ? []
      : cell.split(",").map((text) => {
          const entry = /^([\w/-]+)(?: by ([\w/-]+))?$/.exec(text.trim());
          if (entry === null)
            throw new Error(`ARCHITECTURE.md, src/${room}/: "${text.trim()}" is neither a file nor a room`);
          return { room, target: entry[1] ?? "", by: entry[2] };
        }),
  );
}

const sources = listFiles("src", ".ts");
const imports = sources.flatMap(importsOf);
const across = imports.filter(({ from, to }) => roomOf(from) !== roomOf(to));
const table = readTable();

function permits(entry: Entry, { from, to }: Import): boolean {
  const path = shorten(to);
  if (entry.room !== roomOf(from)) return false;
  if (path !== entry.target && !path.startsWith(`${entry.target}/`)) return false;
  return entry.by === undefined || shorten(from) === `${entry.room}/${entry.by}`;
}

/** A path through `graph` that comes back to where it was; undefined when there is none. */
function findCycle(graph: ReadonlyMap<string, ReadonlySet<string>>): string | undefined {
  const done = new Set<string>();
  const visit = (node: string, path: readonly string[]): string | undefined => {
    if (path.includes(node)) return [...path.slice(path.indexOf(node)), node].join(" → ");
    if (done.has(node)) return undefined;
    for (const next of graph.get(node) ?? []) {
      const cycle = visit(next, [...path, node]);
      if (cycle !== undefined) return cycle;
    }
    done.add(node);
    return undefined;
  };
  for (const node of graph.keys()) {
    const cycle = visit(node, []);
    if (cycle !== undefined) return cycle;
  }
  return undefined;
}

function graphOf(edges: Iterable<readonly [string, string]>): Map<string, Set<string>> {
  const graph = new Map<string, Set<string>>();
  for (const [from, to] of edges) graph.set(from, (graph.get(from) ?? new Set()).add(to));
  return graph;
}

describe("the rooms of src/", () => {
  it("are all in the table of ARCHITECTURE.md", () => {
    const named = [...read("ARCHITECTURE.md").matchAll(/^\| `src\/(\w+)\/`/gm)].map((match) => match[1]);
    expect(named.sort()).toEqual([...new Set(sources.map(roomOf))].sort());
  });

  it("import only what the table allows", () => {
    expect(imports.length).toBeGreaterThan(300);
    expect(across.filter((one) => !table.some((entry) => permits(entry, one))).map(show)).toEqual([]);
  });

  it("use every entry of the table", () => {
    const idle = table.filter((entry) => !across.some((one) => permits(entry, one)));
    expect(idle.map(({ room, target }) => `${room}: ${target}`)).toEqual([]);
  });

  it("have no cycles, of rooms or of files that import at run time", () => {
    expect(findCycle(graphOf(across.map(({ from, to }) => [roomOf(from), roomOf(to)])))).toBeUndefined();
    const running = imports.filter(({ typeOnly }) => !typeOnly);
    expect(findCycle(graphOf(running.map(({ from, to }) => [from, to])))).toBeUndefined();
  });

  it("reach the addon through kernel/native.ts alone", () => {
    const importers = imports.filter(({ to }) => to.startsWith("addon/")).map(({ from }) => from);
    // The built addon is no module: what loads it is a require, or dlopen.
    const loaders = sources.filter((file) => /createRequire|process\.dlopen/.test(read(file)));
    expect([...new Set([...importers, ...loaders])]).toEqual(["src/kernel/native.ts"]);
  });

  it("keep a file to one concern: no more than 350 lines", () => {
    const written = sources.filter((file) => !file.endsWith(".gen.ts"));
    expect(written.filter((file) => read(file).trimEnd().split("\n").length > 350)).toEqual([]);
  });
});

/** In bpf/: layout ← maps, config, packet ← stages ← judge ← program. A file includes lower numbers only. */
const layers: Readonly<Record<string, number>> = {
  layout: 0,
  config: 0,
  headers: 0,
  frame: 1,
  verdict: 1,
  address: 1,
  switched: 1,
  tables: 1,
  packet: 2,
  deadline: 2,
  scratch: 3,
  maps: 4,
  kernel: 5,
  rate: 6,
  flags: 6,
  tcp: 7,
  walk: 6,
  policy: 6,
  own: 6,
  context: 6,
  quote: 8,
  neighbour: 8,
  opening: 6,
  claim: 7,
  proven: 7,
  alive: 6,
  conntrack: 8,
  spoof: 8,
  transport: 9,
  parse: 10,
  always: 9,
  fragment: 9,
  account: 9,
  judge: 10,
  express: 11,
  device: 6,
  sum: 8,
  mark: 8,
  receive: 11,
  uplink: 12,
  denied: 12,
  forward: 12,
  guest: 12,
  direct: 13,
  "ringwall.bpf": 14,
  "confirm.bpf": 3,
  "survey.bpf": 1,
  "count.bpf": 2,
};

describe("the C of bpf/", () => {
  const files = [...listFiles("bpf/include", ".h"), ...listFiles("bpf", ".bpf.c")];
  const includes = files.flatMap((file) =>
    [...read(file).matchAll(/^#include ["<]([\w./]+)[">]/gm)].map((match) => ({
      file: file.replace(/^.*\/|\.[hc]$/g, ""),
      other: match[1] ?? "",
    })),
  );

  it("has a layer for each file, and no layer without one", () => {
    expect(files.map((file) => file.replace(/^.*\/|\.[hc]$/g, "")).sort()).toEqual(
      Object.keys(layers).sort(),
    );
  });

  it("includes downwards only", () => {
    // native.h stands in for the kernel in host programs; it lies with the tests.
    const own = includes.filter(({ other }) => !other.includes("/") && !/^(native|stdbool)\.h$/.test(other));
    expect(own.length).toBeGreaterThan(30);
    const wrong = own.filter(
      ({ file, other }) => (layers[other.replace(/\.h$/, "")] ?? 99) >= (layers[file] ?? -1),
    );
    expect(wrong.map(({ file, other }) => `${file} → ${other}`)).toEqual([]);
  });

  it("changes flags of a session by what is atomic alone, since another CPU may revoke it in that moment", () => {
    const changes = files.filter((file) => /->flags\s*(\|=|&=|\^=)/.test(read(file)));
    expect(changes).toEqual([]);
  });

  it("calls the kernel's helpers through kernel.h alone, where packets are judged", () => {
    const callers = includes.filter(({ other }) => other.startsWith("bpf/")).map(({ file }) => file);
    expect([...new Set(callers)].sort()).toEqual(["count.bpf", "deadline", "kernel", "survey.bpf"]);
  });
});
