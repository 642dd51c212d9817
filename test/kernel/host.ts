/** What tests of the real kernel layer share: the object, frames, a bpffs and a network namespace of their own. */
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { release, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { address } from "../unit/policy/compile-fixture.ts";

export const objectPath = fileURLToPath(new URL("../../build/ringwall.bpf.o", import.meta.url));

export interface TcpFrame {
  readonly from: string;
  readonly to: string;
  readonly source: string;
  readonly destination: string;
  readonly sourcePort: number;
  readonly port: number;
  readonly flags: number;
}

function bytesOf(text: string): number[] {
  return text.split(":").map((part) => Number.parseInt(part, 16));
}

function word(value: number, bytes: number): number[] {
  return Array.from({ length: bytes }, (_, index) => (value >>> (8 * (bytes - 1 - index))) & 0xff);
}

/** Ethernet, IPv4, TCP without data; both sides' SYN has sequence number 1. */
export function tcpFrame(frame: TcpFrame): Uint8Array {
  const ip = (text: string) => word(Number(address(text).bits), 4);
  const head = [0x45, 0, 0, 40, 0, 1, 0x40, 0, 64, 6, 0, 0, ...ip(frame.source), ...ip(frame.destination)];
  const ports = [...word(frame.sourcePort, 2), ...word(frame.port, 2)];
  const tcp = [
    ...ports,
    ...word(frame.flags & 2 ? 1 : 2, 4),
    ...word(2, 4),
    0x50,
    frame.flags,
    0xff,
    0xff,
    0,
    0,
    0,
    0,
  ];
  return Uint8Array.from([...bytesOf(frame.to), ...bytesOf(frame.from), 8, 0, ...head, ...tcp]);
}

/** Runs `body` with a bpffs of its own at the path given, gone afterwards with all pins. */
export async function withBpffs(body: (root: string) => Promise<void>): Promise<void> {
  const parent = mkdtempSync(join(tmpdir(), "ringwall-kernel-"));
  const root = join(parent, "ringwall");
  try {
    await body(root);
  } finally {
    // Lazily: a driver that was killed a moment ago may still hold the lock. What was not mounted is no matter.
    spawnSync("umount", ["-l", root]);
    rmSync(parent, { recursive: true, force: true });
  }
}

/** Whether programs stand at tc hooks by links (Linux 6.6); else as clsact filters, which have no pins. */
export const hasTcx = ((version: readonly number[]) => {
  const [major = 0, minor = 0] = version;
  return major > 6 || (major === 6 && minor >= 6);
})(release().split(".").map(Number));

/** The pins of links under a root, by name; none where nothing on this kernel is a link. */
export function linkPins(root: string): readonly string[] {
  const folder = join(root, "links");
  return hasTcx || existsSync(folder) ? readdirSync(folder).sort() : [];
}

export function ip(...words: string[]): string {
  return execFileSync("ip", words, { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
}
