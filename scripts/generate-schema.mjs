// Writes schema/rules.schema.json and schema/agent.schema.json from the shapes in src/.
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { build } from "esbuild";

const root = fileURLToPath(new URL("..", import.meta.url));
const folder = await mkdtemp(join(tmpdir(), "ringwall-schema-"));
try {
  const outfile = join(folder, "schemas.mjs");
  const entry = join(root, "src/agent/schemas.ts");
  await build({
    entryPoints: [entry],
    outfile,
    bundle: true,
    platform: "node",
    format: "esm",
    logLevel: "error",
  });
  const { makeSchemas } = await import(pathToFileURL(outfile).href);
  await mkdir(join(root, "schema"), { recursive: true });
  for (const [name, text] of makeSchemas()) await writeFile(join(root, "schema", name), text);
} finally {
  await rm(folder, { recursive: true, force: true });
}
