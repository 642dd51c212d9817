/** Where this program stands: the same from the source tree, the bundle and a package. */
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** The folder of package.json above this file. */
function findRoot(): URL {
  let folder = new URL(".", import.meta.url);
  while (!existsSync(new URL("package.json", folder))) {
    const above = new URL("..", folder);
    if (above.href === folder.href)
      throw new Error(`There is no package.json above ${fileURLToPath(import.meta.url)}.`);
    folder = above;
  }
  return folder;
}

/** The version in package.json, so that no build step writes it down a second time. */
export function readVersion(): string {
  const { version } = JSON.parse(readFileSync(new URL("package.json", findRoot()), "utf8")) as {
    version?: unknown;
  };
  return typeof version === "string" ? version : "unknown";
}

/** The object file with the kernel's programs. */
export function findObject(): string {
  return fileURLToPath(new URL("build/ringwall.bpf.o", findRoot()));
}
