/** System calls of a process made to fail, or to be its last, by strace from outside. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync, rmSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

/** Calls by which an agent changes something: the kernel's objects, netlink, the disk. */
export const faultyCalls = [
  "bpf",
  "openat",
  "fsync",
  "rename",
  "unlink",
  "mkdir",
  "rmdir",
  "write",
  "writev",
  "sendto",
  "sendmsg",
  "mount",
] as const;
export type Call = (typeof faultyCalls)[number];

export const errors = [
  "E2BIG",
  "ENOSPC",
  "ENOMEM",
  "EBUSY",
  "EPERM",
  "EINVAL",
  "EAGAIN",
  "EINTR",
  "EIO",
] as const;

/** The n-th call of its kind, or of those on a path, in some thread. */
export interface Place {
  readonly n: number;
  /** Null: all calls of the kind are counted. */
  readonly path: string | null;
}

/** `fault`: the errno that the call answers, or the signal that ends the process. */
export interface Point extends Place {
  readonly call: Call;
  readonly fault: (typeof errors)[number] | "SIGKILL";
}

/** "bpf 12 ENOMEM", "openat 2 of /proc EIO" */
export function describePoint({ call, n, path, fault }: Point): string {
  return `${call} ${n}${path === null ? "" : ` of ${path}`} ${fault}`;
}

/** Arguments of strace for a point; null: all calls are only logged. */
function wordsOf(point: Point | null, log: string): string[] {
  const traced = point === null ? faultyCalls.join(",") : point.call;
  const words = ["-f", "-qq", "-y", "-o", log, "-e", `trace=${traced}`, "-e", "signal=none"];
  if (point === null) return words;
  const what = point.fault === "SIGKILL" ? "signal=SIGKILL" : `error=${point.fault}`;
  const narrowed = point.path === null ? [] : ["-P", point.path];
  return [...words, ...narrowed, "-e", `inject=${point.call}:${what}:when=${point.n}`];
}

/**
 * What stands before a command that is traced from its first call on. It stops at those calls alone, but where a signal
 * has to be sent: strace 6.1 sends none then.
 */
export function traced(point: Point | null, log: string): string[] {
  const alone = point?.fault === "SIGKILL" ? [] : ["--seccomp-bpf"];
  return ["strace", ...alone, ...wordsOf(point, log), "--"];
}

/** Does `work` while a process that runs is traced. */
export async function whileTraced<T>(
  pid: number,
  point: Point | null,
  log: string,
  work: () => Promise<T>,
): Promise<T> {
  const strace = spawn("strace", [...wordsOf(point, log), "-p", String(pid)], { stdio: "ignore" });
  const ended = once(strace, "close");
  try {
    await awaitTracer(pid);
    return await work();
  } finally {
    await endTracer(strace, ended, pid);
  }
}

/** Until it is traced; or gone, by a signal at its next call, before anybody could see that. */
async function awaitTracer(pid: number): Promise<void> {
  for (let turn = 0; turn < 6000; turn++) {
    const now = readStatus(pid);
    if (now === null || /TracerPid:\s+[1-9]/.test(now)) return;
    await sleep(10);
  }
  throw new Error(`strace did not attach to ${pid}`);
}

/**
 * By a signal that lets it detach. Where what it traces is gone, strace ends by itself; a signal could keep it from
 * noticing that.
 */
async function endTracer(strace: ChildProcess, ended: Promise<unknown>, pid: number): Promise<void> {
  if (isRunning(pid)) strace.kill("SIGINT");
  const late = setTimeout(() => strace.kill("SIGKILL"), 2000);
  await ended;
  clearTimeout(late);
}

/** Neither gone nor a zombie. */
export function isRunning(pid: number): boolean {
  return /^State:\s+[^ZX]/m.test(readStatus(pid) ?? "");
}

function readStatus(pid: number): string | null {
  try {
    return readFileSync(`/proc/${pid}/status`, "utf8");
  } catch {
    return null;
  }
}

/** The kernel's bookkeeping of threads, a look at who has files open, libbpf's at its own: nothing of a change. */
const noise = /\[eventfd\]|"\/proc\//;
/** Calls that a run makes in other numbers each time, so that only those on one path can be counted. */
const byPath: ReadonlySet<Call> = new Set(["openat"]);
/** Of one path; a folder that is looked at again and again is not opened so often in each run. */
const oftenest = 6;
/** Names that are others in each run: nobody can wait for them. */
const isRandomName = /\.[0-9a-f]{12}\.(new|old)$/;

export interface TraceLog {
  /** Places of each call among those of its thread, in the thread that made it most. */
  readonly places: ReadonlyMap<Call, readonly Place[]>;
  /** Whether the fault met its call. */
  readonly isHit: boolean;
}

const injected = /\(INJECTED\)|\) += \?$/m;

/** Whether a fault has met its call so far. */
export function isHitBy(log: string): boolean {
  return existsSync(log) && injected.test(readFileSync(log, "utf8"));
}

/** Reads a log of strace, and removes it. */
export function readLog(log: string): TraceLog {
  const text = existsSync(log) ? readFileSync(log, "utf8") : "";
  rmSync(log, { force: true });
  const counts = new Map<string, number>();
  const threads = new Map<string, { readonly call: Call; readonly places: Place[] }>();
  for (const [line, thread = "", name = ""] of text.matchAll(/^(\d+) +(\w+)\(.*$/gm)) {
    const call = faultyCalls.find((each) => each === name);
    if (call === undefined) continue;
    const path = byPath.has(call) ? (/"([^"]*)"/.exec(line)?.[1] ?? "") : null;
    const counted = `${thread} ${call} ${path}`;
    const n = (counts.get(counted) ?? 0) + 1;
    counts.set(counted, n);
    if (noise.test(line) || (path !== null && (n > oftenest || isRandomName.test(path)))) continue;
    const key = byPath.has(call) ? call : `${thread} ${call}`;
    const places = threads.get(key)?.places ?? [];
    places.push({ n, path });
    threads.set(key, { call, places });
  }
  const most = new Map<Call, readonly Place[]>();
  for (const { call, places } of threads.values())
    if (places.length > (most.get(call)?.length ?? 0)) most.set(call, places);
  return { places: most, isHit: injected.test(text) };
}
