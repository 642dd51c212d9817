/** System calls made to fail from outside: the rules on the disk are the old ones or the new ones, whole. */
import { spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { FileStore } from "../../../src/store/file.ts";
import { makeFolder, rulesText } from "./rules.ts";

const scratch = makeFolder();
const program = join(scratch.root, "write.mjs");
let folder: string;
let round = 0;

const old = { "a.yaml": rulesText("vpc-a"), "b.yaml": rulesText("vpc-b") };
const fresh = { "a.yaml": rulesText("vpc-x"), "c.yaml": rulesText("vpc-c") };

beforeAll(async () => {
  await build({
    stdin: {
      contents: `
        import { FileStore } from "./src/store/file.ts";
        import { readFileSync } from "node:fs";
        const folder = process.argv[2];
        const files = readFileSync(0, "utf8");
        const store = new FileStore(folder, { recovers: true });
        try {
          await store.write(Object.entries(JSON.parse(files)).map(([path, text]) => ({ path, text })));
          console.log("written");
        } catch (error) { console.log("refused " + error.code); }`,
      resolveDir: process.cwd(),
      loader: "ts",
    },
    bundle: true,
    platform: "node",
    format: "esm",
    outfile: program,
    banner: {
      js: 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);',
    },
    logLevel: "error",
  });
});

afterAll(() => scratch.remove());

beforeEach(() => {
  round += 1;
  folder = join(scratch.root, `rules-${round}`);
  mkdirSync(folder);
  for (const [name, text] of Object.entries(old)) writeFileSync(join(folder, name), text, { mode: 0o640 });
});

function writeUnder(inject: readonly string[], files: object = fresh): string {
  const args = ["-f", "-qq", "-o", "/dev/null", ...inject, process.execPath, program, folder];
  // One thread for the file system, so that `when` counts calls in their order.
  const env = { ...process.env, UV_THREADPOOL_SIZE: "1", NODE_OPTIONS: "" };
  const { stdout, error } = spawnSync("strace", args, {
    encoding: "utf8",
    env,
    input: JSON.stringify(files),
  });
  if (error !== undefined) throw error;
  return stdout.trim();
}

function onDisk(): object {
  const names = readdirSync(folder).filter((name) => name.endsWith(".yaml") && !name.startsWith("."));
  return Object.fromEntries(names.map((name) => [name, readFileSync(join(folder, name), "utf8")]));
}

describe("a disk that fails", () => {
  it("takes the new files where nothing fails", () => {
    expect(writeUnder(["-e", "trace=none"])).toBe("written");
    expect(onDisk()).toEqual(fresh);
  });

  // fsync: two files, the journal, its directory, the directory after the moves. rename: journal, two files.
  const failures = [
    ...[1, 2, 3, 4, 5].map((when) => ["fsync", "EIO", when] as const),
    ...[1, 2, 3].map((when) => ["rename", "ENOSPC", when] as const),
    ["link", "EIO", 1] as const,
    ["fchmod", "EIO", 2] as const,
  ];
  it.each(failures)(
    "%s fails with %s at call %i: the old rules stay, nothing is left beside them",
    (call, code, when) => {
      const output = writeUnder(["-e", `trace=${call}`, "-e", `inject=${call}:error=${code}:when=${when}`]);
      expect(output).toBe(`refused ${code}`);
      expect(onDisk()).toEqual(old);
      expect(readdirSync(folder).sort()).toEqual(Object.keys(old));
    },
  );

  const both = { "a.yaml": rulesText("vpc-x"), "b.yaml": rulesText("vpc-y") };
  it.each([3, 4])("an old file that cannot be removed (unlink %i) does not undo what is in place", (when) => {
    const output = writeUnder(["-e", "trace=unlink", "-e", `inject=unlink:error=EIO:when=${when}`], both);
    expect(output).toBe("written");
    expect(onDisk()).toEqual(both);
  });

  it("a journal that cannot be removed undoes what is in place, so that nobody goes through it again", () => {
    const output = writeUnder(["-e", "trace=unlink", "-e", "inject=unlink:error=EIO:when=2"], both);
    expect(output).toBe("refused EIO");
    expect(onDisk()).toEqual(old);
    expect(readdirSync(folder).sort()).toEqual(Object.keys(old));
  });

  it("a full disk refuses before anything is changed", () => {
    const mounted = spawnSync("mount", ["-t", "tmpfs", "-o", "size=64k,mode=0755", "tmpfs", folder]);
    expect(mounted.status).toBe(0);
    try {
      for (const [name, text] of Object.entries(old))
        writeFileSync(join(folder, name), text, { mode: 0o640 });
      const large = { "a.yaml": rulesText("vpc-a") + "# filler\n".repeat(20_000) };
      expect(writeUnder(["-e", "trace=none"], large)).toBe("refused ENOSPC");
      expect(onDisk()).toEqual(old);
    } finally {
      spawnSync("umount", [folder]);
    }
  });

  const kills = [
    ...[1, 2, 3].map((when) => ["rename", when] as const),
    ...[1, 3, 4, 5].map((when) => ["fsync", when] as const),
    ...[1, 2, 3].map((when) => ["unlink", when] as const),
  ];
  it.each(kills)(
    "killed at %s number %i: who starts next finds the old rules or the new ones",
    async (call, when) => {
      const output = writeUnder(["-e", `trace=${call}`, "-e", `inject=${call}:signal=SIGKILL:when=${when}`]);
      expect(output).toBe("");
      const { files, diagnostics } = await new FileStore(folder, { recovers: true }).load();
      expect(diagnostics).toEqual([]);
      const found = Object.fromEntries(files.map(({ path, text }) => [path.slice(folder.length + 1), text]));
      expect([old, fresh]).toContainEqual(found);
      rmSync(folder, { recursive: true, force: true });
    },
  );
});
