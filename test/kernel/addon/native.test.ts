import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { KernelError, loadAddon, native } from "../../../src/kernel/native.ts";
import { failureOf } from "./fixture.ts";

const repository = fileURLToPath(new URL("../../..", import.meta.url));

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "ringwall-native-"));
});
afterAll(() => rmSync(directory, { recursive: true }));

describe("native", () => {
  it("is loaded once", () => {
    expect(native()).toBe(native());
  });

  it("says how to build what is missing", async () => {
    const failure = await failureOf(() => loadAddon(join(directory, "nothing.node")));
    expect(failure).toBeInstanceOf(KernelError);
    expect(failure.code).toBe("ENOENT");
    expect(failure.message).toMatch(/nothing\.node is missing: run `make build`$/);
  });

  it("says why a file does not load", async () => {
    const path = join(directory, "garbage.node");
    writeFileSync(path, "no shared object");
    const failure = await failureOf(() => loadAddon(path));
    expect(failure.code).toBe("ERR_DLOPEN_FAILED");
    expect(failure.message).toContain("make build");
  });

  it("finds the addon from a bundle in build/dist, of the package that the bundle is in", async () => {
    const root = join(directory, "package");
    mkdirSync(join(root, "build", "dist"), { recursive: true });
    writeFileSync(join(root, "package.json"), `{"type": "module"}`);
    cpSync(join(repository, "build", "ringwall.node"), join(root, "build", "ringwall.node"));
    const outfile = join(root, "build", "dist", "main.js");
    const entry = join(repository, "src", "kernel", "native.ts");
    await build({ entryPoints: [entry], outfile, bundle: true, format: "esm", platform: "node" });
    const run = () =>
      execFileSync(
        process.execPath,
        ["-e", `import(${JSON.stringify(outfile)}).then((m) => console.log(m.native().libbpfVersion()))`],
        {
          encoding: "utf8",
          stdio: ["ignore", "pipe", "pipe"],
        },
      );
    expect(run()).toMatch(/^v1\./);
    rmSync(join(root, "build", "ringwall.node"));
    expect(run).toThrow("make build");
  });
});

describe("a kernel error", () => {
  const verifier = `libbpf: prog 'p': BPF program load failed: Permission denied
libbpf: prog 'p': -- BEGIN PROG LOAD LOG --
0: R1=ctx() R10=fp0
; return *(__u8 *)(long)context->data;
1: (71) r0 = *(u8 *)(r1 +0)
invalid access to packet, off=0 size=1, R1(id=0,off=0,r=0)
R1 offset is outside of the packet
processed 2 insns (limit 1000000) max_states_per_insn 0 total_states 0 peak_states 0 mark_read 0
-- END PROG LOAD LOG --
libbpf: prog 'p': failed to load: -13
libbpf: failed to load object 'o'
`;

  it("has the whole log, and its last words in the message", () => {
    const error = new KernelError({
      message: "cannot load the object o: Permission denied",
      code: "EACCES",
      errno: 13,
      log: verifier,
    });
    expect(error.log).toBe(verifier);
    expect(error.name).toBe("KernelError");
    expect(error.message).toBe(`cannot load the object o: Permission denied (EACCES)
  1: (71) r0 = *(u8 *)(r1 +0)
  invalid access to packet, off=0 size=1, R1(id=0,off=0,r=0)
  R1 offset is outside of the packet`);
  });

  it("shows the last lines of libbpf where the verifier said nothing", () => {
    const log = "libbpf: one\nlibbpf: two\nlibbpf: three\n\nlibbpf: four\n";
    const error = new KernelError({ message: "cannot", code: "EINVAL", errno: 22, log });
    expect(error.message).toBe("cannot (EINVAL)\n  two\n  three\n  four");
  });

  it.each([
    ["EPERM", 1, "CAP_BPF"],
    ["ENOENT", 2, "bpffs"],
    ["E2BIG", 7, "more entries"],
    ["ENOMEM", 12, "make tables smaller"],
  ])("says what to do about %s", (code, errno, hint) => {
    expect(new KernelError({ message: "cannot", code, errno, log: "" }).message).toContain(hint);
  });
});
