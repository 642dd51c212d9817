// The text of src/kernel/layout.gen.ts from BTF types. Deterministic: the order is the header's.
import { createHash } from "node:crypto";

/** struct owned_key -> OwnedKey */
function pascal(name) {
  return name.replace(/(?:^|_)(\w)/g, (_, letter) => letter.toUpperCase());
}

/** addresses_count -> addressesCount */
function camel(name) {
  return name.replace(/_(\w)/g, (_, letter) => letter.toUpperCase());
}

/** {kind: "int", size, signed, bigEndian} | {kind: "bytes", count} | {kind: "array", count, element} | {kind: "struct", name, size} */
function resolveType(types, id) {
  const type = types.get(id);
  switch (type.kind) {
    case "TYPEDEF": {
      const inner = resolveType(types, type.type_id);
      return /^__be(16|32)$/.test(type.name) ? { ...inner, bigEndian: true } : inner;
    }
    case "CONST":
    case "VOLATILE":
      return resolveType(types, type.type_id);
    case "INT":
      return { kind: "int", size: type.size, signed: type.encoding === "SIGNED", bigEndian: false };
    case "ENUM":
      return { kind: "int", size: type.size, signed: type.encoding === "SIGNED", bigEndian: false };
    case "ARRAY": {
      const element = resolveType(types, type.type_id);
      const count = type.nr_elems;
      if (element.kind === "int" && element.size === 1) return { kind: "bytes", count, size: count };
      return { kind: "array", count, element, size: count * element.size };
    }
    case "STRUCT":
      return { kind: "struct", name: pascal(type.name), size: type.size };
    default:
      throw new Error(`BTF kind ${type.kind} has no codec`);
  }
}

function typescriptType(type) {
  switch (type.kind) {
    case "int":
      return type.size === 8 ? "bigint" : "number";
    case "bytes":
      return "Uint8Array";
    case "array":
      return `readonly ${typescriptType(type.element)}[]`;
    default:
      return `${type.name}Struct`;
  }
}

function accessor(type) {
  const sign = type.signed ? "Int" : "Uint";
  return type.size === 8 ? `Big${sign}64` : `${sign}${type.size * 8}`;
}

function order(type) {
  if (type.size === 1) return "";
  return type.bigEndian ? ", false" : ", true";
}

function place(offset, extra = "") {
  return offset === 0 ? `offset${extra}` : `offset + ${offset}${extra}`;
}

function emitWrite(field) {
  const { type, name, offset } = field;
  switch (type.kind) {
    case "int":
      return [`    view.set${accessor(type)}(${place(offset)}, value.${name}${order(type)});`];
    case "bytes":
      return [`    writeBytes(view, ${place(offset)}, value.${name}, ${type.count}, "${name}");`];
    case "struct":
      return [`    ${type.name}Struct.write(view, ${place(offset)}, value.${name});`];
    default: {
      const at = place(offset, ` + index * ${type.element.size}`);
      const inner = emitElement(type.element, at, name);
      return [`    eachOf(value.${name}, ${type.count}, "${name}", (item, index) => ${inner});`];
    }
  }
}

function emitElement(element, at, name) {
  switch (element.kind) {
    case "int":
      return `view.set${accessor(element)}(${at}, item${order(element)})`;
    case "bytes":
      return `writeBytes(view, ${at}, item, ${element.count}, "${name}")`;
    case "struct":
      return `${element.name}Struct.write(view, ${at}, item)`;
    default:
      throw new Error(`${name}: arrays of arrays of numbers have no codec`);
  }
}

function emitRead(field) {
  const { type, name, offset } = field;
  return `      ${name}: ${readExpression(type, place(offset))},`;
}

function readExpression(type, at) {
  switch (type.kind) {
    case "int":
      return `view.get${accessor(type)}(${at}${order(type)})`;
    case "bytes":
      return `readBytes(view, ${at}, ${type.count})`;
    case "struct":
      return `${type.name}Struct.read(view, ${at})`;
    default:
      return `Array.from({ length: ${type.count} }, (_, index) => ${readExpression(type.element, `${at} + index * ${type.element.size}`)})`;
  }
}

function emitStruct(types, type) {
  const name = `${pascal(type.name)}Struct`;
  const fields = type.members
    .filter((member) => member.name !== "zero")
    .map((member) => {
      const resolved = resolveType(types, member.type_id);
      return { name: camel(member.name), offset: member.bits_offset / 8, type: resolved };
    });
  return [
    `/** struct ${type.name} */`,
    `export interface ${name} {`,
    ...fields.map((field) => `  readonly ${field.name}: ${typescriptType(field.type)};`),
    "}",
    "",
    `export const ${name}: Codec<${name}> = {`,
    `  SIZE: ${type.size},`,
    "  write(view, offset, value) {",
    ...fields.flatMap(emitWrite),
    "  },",
    "  read(view, offset) {",
    "    return {",
    ...fields.map(emitRead),
    "    };",
    "  },",
    "  encode(value) {",
    `    return encodeWith(${name}, value);`,
    "  },",
    "  decode(bytes, offset = 0) {",
    `    return decodeWith(${name}, bytes, offset);`,
    "  },",
    "};",
    "",
  ];
}

/** bpftool widens values of unsigned enums as if they were signed. */
function enumValue(type, value) {
  const wide = BigInt(value);
  return type.encoding === "SIGNED" ? BigInt.asIntN(32, wide) : BigInt.asUintN(32, wide);
}

function emitEnum(type) {
  return [
    `/** enum ${type.name} */`,
    `export const ${pascal(type.name)} = {`,
    ...type.values.map(({ name, val }) => `  ${name}: ${enumValue(type, val)},`),
    "} as const;",
    "",
  ];
}

const prologue = `// Generated from bpf/include/layout.h by scripts/generate-layout.mjs; do not edit.

/** Bytes of a C struct as the kernel and the programs lay it out. Padding named \`zero\` is written as zero. */
export interface Codec<T> {
  /** Bytes. */
  readonly SIZE: number;
  /** Writes the value at an offset of a view whose bytes are zero there. */
  write(view: DataView, offset: number, value: T): void;
  read(view: DataView, offset: number): T;
  encode(value: T): Uint8Array;
  /** Throws RangeError where fewer than SIZE bytes stand at the offset. */
  decode(bytes: Uint8Array, offset?: number): T;
}

if (new Uint8Array(new Uint32Array([1]).buffer)[0] !== 1) {
  throw new Error("this host is big endian; Ringwall's codecs are for little-endian hosts (x86-64, arm64)");
}

function encodeWith<T>(codec: Codec<T>, value: T): Uint8Array {
  const bytes = new Uint8Array(codec.SIZE);
  codec.write(new DataView(bytes.buffer), 0, value);
  return bytes;
}

function decodeWith<T>(codec: Codec<T>, bytes: Uint8Array, offset: number): T {
  if (offset < 0 || offset + codec.SIZE > bytes.byteLength) {
    throw new RangeError(\`\${codec.SIZE} bytes at \${offset} do not fit \${bytes.byteLength} bytes\`);
  }
  return codec.read(new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength), offset);
}

function writeBytes(view: DataView, offset: number, bytes: Uint8Array, count: number, name: string): void {
  if (bytes.length !== count) throw new RangeError(\`\${name}: \${bytes.length} bytes where \${count} are wanted\`);
  new Uint8Array(view.buffer, view.byteOffset + offset, count).set(bytes);
}

function readBytes(view: DataView, offset: number, count: number): Uint8Array {
  return new Uint8Array(view.buffer, view.byteOffset + offset, count).slice();
}

function eachOf<T>(
  items: readonly T[],
  count: number,
  name: string,
  write: (item: T, index: number) => void,
): void {
  if (items.length !== count) throw new RangeError(\`\${name}: \${items.length} items where \${count} are wanted\`);
  items.forEach(write);
}
`;

/** Digest of all structs: maps that were made under another one cannot be read by these codecs. */
function digestStructs(types, structs) {
  const shapes = structs.map((type) => ({
    name: type.name,
    size: type.size,
    members: type.members.map((member) => [
      member.name,
      member.bits_offset,
      resolveType(types, member.type_id),
    ]),
  }));
  return createHash("sha256").update(JSON.stringify(shapes)).digest("hex").slice(0, 16);
}

/** The whole file. `declared`: [{kind, name}] in the order of the header. */
export function emitLayout(types, declared) {
  const byName = new Map();
  for (const type of types.values()) byName.set(`${type.kind}:${type.name}`, type);
  const structs = declared
    .filter(({ kind }) => kind === "struct")
    .map(({ name }) => byName.get(`STRUCT:${name}`));
  const digest = digestStructs(types, structs);
  const lines = [
    prologue,
    "/** Digest of the structs below: maps made under another one cannot be taken over. */",
    `export const layoutDigest = "${digest}";`,
    "",
  ];
  for (const { kind, name } of declared) {
    const type = byName.get(`${kind.toUpperCase()}:${name}`);
    if (type === undefined) throw new Error(`${kind} ${name} is not in the BTF`);
    lines.push(...(kind === "enum" ? emitEnum(type) : emitStruct(types, type)));
  }
  return `${lines.join("\n").trimEnd()}\n`;
}
