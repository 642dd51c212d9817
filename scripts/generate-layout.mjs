#!/usr/bin/env node
// Writes the TypeScript codecs of everything that bpf/include/layout.h declares.
//
//   generate-layout.mjs OBJECT OUT
//
// An object's BTF holds only the types that its code reaches (an enum used as a constant leaves no trace), so the
// header is compiled once more with a variable of every type. The object is the judge: a struct of it that
// differs from the header's is refused, because codecs would then not fit the programs that are shipped.
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { emitLayout } from "./layout-emit.mjs";

const header = join(dirname(fileURLToPath(import.meta.url)), "../bpf/include/layout.h");

function fail(message) {
  process.stderr.write(`generate-layout: ${message}\n`);
  process.exit(1);
}

function readBtf(object) {
  const text = execFileSync("bpftool", ["btf", "dump", "file", object, "format", "raw", "-j"], {
    encoding: "utf8",
    maxBuffer: 1 << 28,
  });
  // Numbers beyond 53 bits (the values of enums) stay text, which keeps them exact.
  const exact = text.replace(/"val":\s*(-?\d{16,})/g, '"val":"$1"');
  return new Map(JSON.parse(exact).types.map((type) => [type.id, type]));
}

/** [{kind: "struct" | "enum", name}] in the order of the header. */
function declarations() {
  const text = readFileSync(header, "utf8");
  return [...text.matchAll(/^(struct|enum)\s+(\w+)\s*\{/gm)].map(([, kind, name]) => ({ kind, name }));
}

function compileHeader(declared) {
  const directory = mkdtempSync(join(tmpdir(), "ringwall-layout-"));
  try {
    const source = join(directory, "layout.c");
    const object = join(directory, "layout.o");
    const uses = declared.map(({ kind, name }) => `${kind} ${name} use_${kind}_${name};`);
    writeFileSync(source, `#include "layout.h"\n${uses.join("\n")}\n`);
    const machine = execFileSync("g++", ["-dumpmachine"], { encoding: "utf8" }).trim();
    const includes = [`-I/usr/include/${machine}`, `-I${dirname(header)}`];
    execFileSync("clang", ["-O2", "-g", "--target=bpf", "-mcpu=v3", ...includes, "-c", source, "-o", object]);
    return readBtf(object);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** What must be equal in both objects: size, names and places of the members, and what they are made of. */
function shapeOf(types, id) {
  const type = types.get(id);
  switch (type?.kind) {
    case "TYPEDEF":
    case "CONST":
    case "VOLATILE":
      return shapeOf(types, type.type_id);
    case "INT":
      return `${type.encoding === "SIGNED" ? "s" : "u"}${type.size}`;
    case "ENUM":
      return `e${type.size}`;
    case "ARRAY":
      return `[${type.nr_elems}]${shapeOf(types, type.type_id)}`;
    case "STRUCT":
      return `{${type.size};${type.members
        .map((member) => `${member.name}@${member.bits_offset}:${shapeOf(types, member.type_id)}`)
        .join(";")}}`;
    default:
      return fail(`BTF kind ${type?.kind} of type ${id} has no codec: use integers, arrays and structs`);
  }
}

function compareWithObject(headerTypes, objectTypes, declared) {
  const structs = new Map();
  for (const type of objectTypes.values()) if (type.kind === "STRUCT") structs.set(type.name, type.id);
  for (const type of headerTypes.values()) {
    if (type.kind !== "STRUCT" || !declared.some(({ name }) => name === type.name)) continue;
    const other = structs.get(type.name);
    if (other === undefined) continue;
    if (shapeOf(headerTypes, type.id) !== shapeOf(objectTypes, other)) {
      fail(`struct ${type.name} of the object differs from ${header}: rebuild the object`);
    }
  }
}

const [object, out] = process.argv.slice(2);
if (object === undefined || out === undefined) fail("usage: generate-layout.mjs OBJECT OUT");
const declared = declarations();
const types = compileHeader(declared);
compareWithObject(types, readBtf(object), declared);
const temporary = `${resolve(out)}.tmp`;
writeFileSync(temporary, emitLayout(types, declared));
renameSync(temporary, resolve(out));
