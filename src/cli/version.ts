import { existsSync, readFileSync } from "node:fs";

/**
 * The version of this program, from the package.json above it: the same from the source tree and from the
 * bundle, so no build step writes it down a second time.
 */
export function readVersion(): string {
  let folder = new URL(".", import.meta.url);
  for (;;) {
    const file = new URL("package.json", folder);
    if (existsSync(file)) {
      const { version } = JSON.parse(readFileSync(file, "utf8")) as { version?: unknown };
      return typeof version === "string" ? version : "unknown";
    }
    const above = new URL("..", folder);
    if (above.href === folder.href) return "unknown";
    folder = above;
  }
}
