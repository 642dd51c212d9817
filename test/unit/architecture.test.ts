import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

const root = fileURLToPath(new URL("../..", import.meta.url));

function listFiles(folder: string, ending: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(ending))
    .map((name) => join(folder, name));
}

interface Import {
  readonly from: string;
  readonly to: string;
  /** `import type`: gone when the code runs. */
  readonly typeOnly: boolean;
}

/** Imports of our own files, static and lazy. */
function importsOf(file: string): Import[] {
  const text = readFileSync(join(root, file), "utf8");
  const statements =
    /(import type [^;]*?from|export type [^;]*?from|from|import)\s*\(?\s*"(\.{1,2}\/[^"]+)"/g;
  return [...text.matchAll(statements)].map((match) => ({
    from: file,
    to: relative(root, join(root, dirname(file), match[2] ?? "")),
    typeOnly: /^(import|export) type/.test(match[1] ?? ""),
  }));
}

const sources = listFiles("src", ".ts").filter((file) => !file.endsWith("layout.gen.ts"));
const imports = sources.flatMap(importsOf);
const roomOf = (file: string): string => file.split("/")[1] ?? "";

/** ARCHITECTURE.md, "Map of the tree": a room, or a file of a room, that a room may import. */
const allowed: Readonly<Record<string, readonly string[]>> = {
  model: [],
  store: ["model"],
  policy: ["model"],
  interchange: ["model"],
  kernel: ["policy", "model"],
  metrics: ["kernel", "policy/reason"],
  agent: ["metrics", "kernel", "policy", "store", "model"],
  cli: ["agent", "model", "store", "policy", "interchange", "kernel"],
};

/** Of these rooms the CLI may use only what works without an agent, or speaks with one. */
const cliMayUse: Readonly<Record<string, readonly string[]>> = {
  agent: ["protocol", "config", "explain", "failure", "paths", "run", "detach"],
  kernel: ["testrun", "probe", "settings", "errors", "status", "native"],
};

function isAllowed({ from, to }: Import): boolean {
  const [room, target] = [roomOf(from), roomOf(to)];
  if (room === target || to.startsWith("addon/")) return true;
  const path = to.replace(/^src\//, "").replace(/\.ts$/, "");
  if (!(allowed[room] ?? []).some((entry) => path === entry || path.startsWith(`${entry}/`))) return false;
  const files = room === "cli" ? cliMayUse[target] : undefined;
  return files === undefined || files.includes(path.slice(target.length + 1));
}

describe("the rooms of src/", () => {
  it("import only what ARCHITECTURE.md allows", () => {
    expect(imports.length).toBeGreaterThan(300);
    expect(imports.filter((one) => !isAllowed(one)).map(({ from, to }) => `${from} → ${to}`)).toEqual([]);
  });

  it("reach the addon through kernel/native.ts alone", () => {
    const reach = sources.filter((file) =>
      /addon\/index|ringwall\.node/.test(readFileSync(join(root, file), "utf8")),
    );
    expect(reach.filter((file) => !/^src\/kernel\/native(-\w+)?\.ts$/.test(file))).toEqual([]);
  });

  it("keep a file to one concern: no more than 350 lines", () => {
    const long = sources.filter((file) => readFileSync(join(root, file), "utf8").split("\n").length > 351);
    expect(long).toEqual([]);
  });

  it("have no cycles of imports", () => {
    const targets = new Map<string, string[]>();
    for (const { from, to } of imports.filter(({ typeOnly }) => !typeOnly))
      targets.set(from, [...(targets.get(from) ?? []), to]);
    const done = new Set<string>();
    const cycles: string[] = [];
    const visit = (file: string, path: readonly string[]): void => {
      if (path.includes(file)) cycles.push([...path.slice(path.indexOf(file)), file].join(" → "));
      else if (!done.has(file)) {
        for (const next of targets.get(file) ?? []) visit(next, [...path, file]);
        done.add(file);
      }
    };
    for (const file of sources) visit(file, []);
    expect(cycles).toEqual([]);
  });
});

/** In bpf/: layout ← maps, config, packet ← stages ← judge ← program. The lower number includes no higher one. */
const layers: Readonly<Record<string, number>> = {
  layout: 0,
  config: 0,
  headers: 0,
  frame: 1,
  verdict: 1,
  address: 1,
  packet: 2,
  scratch: 3,
  maps: 4,
  kernel: 5,
  rate: 6,
  tcp: 6,
  walk: 6,
  policy: 6,
  own: 6,
  quote: 7,
  conntrack: 7,
  spoof: 7,
  parse: 8,
  always: 8,
  fragment: 8,
  account: 8,
  judge: 9,
};

describe("the headers of bpf/", () => {
  it("include downwards only", () => {
    const wrong = listFiles("bpf/include", ".h").flatMap((file) => {
      const name = file.replace(/^.*\/|\.h$/g, "");
      const includes = [...readFileSync(join(root, file), "utf8").matchAll(/#include "(\w+)\.h"/g)];
      const own = layers[name] ?? -1;
      return includes
        .map((match) => match[1] ?? "")
        .filter((other) => other !== "native" && (layers[other] ?? 99) >= own)
        .map((other) => `${name} → ${other}`);
    });
    expect(wrong).toEqual([]);
  });
});
