/** Another kernel, in qemu, over this machine's files: scripts/guest/boot.sh from a test. */
import { spawn } from "node:child_process";
import { rmSync } from "node:fs";
import { createInterface } from "node:readline";
import { fileURLToPath, pathToFileURL } from "node:url";
import { buildSync } from "esbuild";

const tree = fileURLToPath(new URL("../..", import.meta.url));

/**
 * A script of this folder as one file for Node: a guest's emulated processor would take half a minute to
 * transform it. Its modules believe that they stand in test/kernel, where the object and the driver are found.
 */
export function bundleScript(name: string): { readonly path: string; remove(): void } {
  const path = `${tree}build/guest-${name}-${process.pid}.mjs`;
  buildSync({
    entryPoints: [`${tree}test/guest/${name}.ts`],
    outfile: path,
    bundle: true,
    packages: "external",
    platform: "node",
    format: "esm",
    define: { "import.meta.url": JSON.stringify(pathToFileURL(`${tree}test/kernel/${name}.ts`).href) },
  });
  return { path, remove: () => rmSync(path, { force: true }) };
}

export interface GuestRun {
  /** Debian's kernel series: 6.1, 6.12. */
  readonly series: string;
  /** A shell script, run in the tree. */
  readonly script: string;
  /** A tap of this network namespace that is the guest's network card. */
  readonly tap?: { readonly namespace: string; readonly device: string; readonly mac: string };
  readonly seconds: number;
}

export interface Guest {
  /** The exit code of the script; 70 and more: the guest did not get so far, which is said on stderr. */
  readonly ended: Promise<number>;
  /** What it has said so far. */
  readonly lines: readonly string[];
  /** Settles when it says such a line; fails when it ends without. */
  says(pattern: RegExp): Promise<string>;
  stop(): Promise<void>;
}

/** Boots a kernel with a script. The caller awaits or stops it. */
export function startGuest({ series, script, tap, seconds }: GuestRun): Guest {
  const card = tap === undefined ? [] : ["--tap", tap.namespace, tap.device, tap.mac];
  const child = spawn(`${tree}scripts/guest/boot.sh`, [series, ...card, script], {
    stdio: ["ignore", "pipe", "inherit"],
    env: { ...process.env, GUEST_SECONDS: String(seconds) },
  });
  const lines: string[] = [];
  const waiting = new Set<() => void>();
  const wake = () => {
    for (const look of [...waiting]) look();
  };
  createInterface({ input: child.stdout }).on("line", (line) => {
    lines.push(line);
    wake();
  });
  let code: number | null = null;
  const ended = new Promise<number>((done) =>
    child.once("close", (status) => {
      code = status ?? 79;
      wake();
      done(code);
    }),
  );
  const says = (pattern: RegExp) =>
    new Promise<string>((done, fail) => {
      const look = () => {
        const found = lines.find((line) => pattern.test(line));
        if (found === undefined && code === null) return;
        waiting.delete(look);
        if (found !== undefined) done(found);
        else fail(new Error(`the guest ended with ${code} and never said ${pattern}: ${lines.join("\n")}`));
      };
      waiting.add(look);
      look();
    });
  const stop = async () => {
    child.kill("SIGTERM");
    await ended;
  };
  return { ended, lines, says, stop };
}
