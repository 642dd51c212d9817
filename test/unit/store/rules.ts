import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A directory of rules in a directory of its own; `remove` takes both away. */
export function makeFolder(): { root: string; folder: string; remove: () => void } {
  const root = mkdtempSync(join(tmpdir(), "ringwall-store-"));
  const folder = join(root, "rules.d");
  mkdirSync(folder);
  return { root, folder, remove: () => rmSync(root, { recursive: true, force: true }) };
}

export const rulesText = (network: string) => `version: 1\nnetworks: {${network}: {type: vpc}}\n`;
