/** Runs the built program as a user does. */
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { onTestFinished } from "vitest";
import { WarmProgram } from "./warm.ts";

export const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

export interface Outcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Nothing of the caller's environment that would matter. */
const bare = { PATH: process.env.PATH ?? "", RINGWALL_SOCKET: "/nonexistent/ringwall.sock" };
const warm = new WarmProgram({ package: root, env: bare, under: [] });

/** Runs `ringwall ARGS`, without a terminal: in a process that has read the program before, the first of a kind in its own. */
export async function ringwall(args: readonly string[]): Promise<Outcome> {
  return (await warm.run(args)) ?? startRingwall(args);
}

/** Runs `ringwall ARGS` in a process of its own. */
export function startRingwall(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Outcome> {
  const options = { env: { ...bare, ...env }, cwd: "/" };
  return new Promise((resolve) => {
    const child = execFile(join(root, "bin/ringwall"), args, options, (error, stdout, stderr) => {
      const code = error === null ? 0 : typeof error.code === "number" ? error.code : null;
      resolve({ code, stdout, stderr });
    });
    child.stdin?.end();
  });
}

/** A folder that is gone when the test is over. */
export function makeFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "ringwall-cli-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Writes files into a folder of the test's own; returns the folder. */
export function writeFiles(files: Readonly<Record<string, string | Uint8Array>>): string {
  const folder = makeFolder();
  for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content);
  return folder;
}

/** The rules of the manual's example, all on one host. */
export const shopRules = `version: 1
networks:
  vpc-shop: {type: vpc}
groups:
  sg-web:
    type: basic
    network: vpc-shop
    rules:
      - {direction: ingress, policy: accept, protocol: tcp, portRange: 80/80, remote: 0.0.0.0/0, priority: 10}
      - {direction: ingress, policy: drop, protocol: all, portRange: -1/-1, remote: 198.51.100.0/24}
  sg-db:
    type: basic
    network: vpc-shop
    rules:
      - {direction: ingress, policy: accept, protocol: tcp, portRange: 5432/5432, remote: sg-web}
instances:
  i-web-1:
    interfaces:
      eni-web-1: {device: tap101i0, network: vpc-shop, mac: "02:00:00:00:01:01", addresses: [10.0.0.11, "2001:db8::11"], groups: [sg-web]}
  i-db-1:
    interfaces:
      eni-db-1: {device: tap102i0, network: vpc-shop, mac: "02:00:00:00:01:02", addresses: [10.0.0.12], groups: [sg-db]}
`;
