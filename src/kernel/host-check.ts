/** What a host must have before anything is loaded; each refusal says what to do. */
import { existsSync, mkdirSync, readdirSync, statfsSync, statSync } from "node:fs";
import { release } from "node:os";
import { dirname } from "node:path";
import { EnforcementError, errorCode, errorText } from "./errors.ts";
import { KernelError, native } from "./native.ts";

/** statfs's f_type of a bpffs (linux/magic.h). */
const bpffsMagic = 0xcafe4a11;
const oldestKernel = [6, 1] as const;

/** Major and minor of a kernel's release, "6.1.0-37-amd64" is [6, 1]. */
export function parseRelease(text: string): readonly [number, number] {
  const [, major = "0", minor = "0"] = /^(\d+)\.(\d+)/.exec(text) ?? [];
  return [Number(major), Number(minor)];
}

/** Whether this kernel is at least `major.minor`. */
export function isKernelAtLeast(major: number, minor: number, text: string = release()): boolean {
  const [ours, oursMinor] = parseRelease(text);
  return ours > major || (ours === major && oursMinor >= minor);
}

/**
 * Whether the kernel has tcx links. From 6.6 on each that has bpf() and a network does; an older one may have them from its
 * distributor, and is asked. An agent asks once: a call at a hook that fails later says nothing of this.
 */
export function hasTcx(): boolean {
  return isKernelAtLeast(6, 6) || native().hasTcx();
}

/** Throws KERNEL_OLD or OBJECT. */
export function checkHost(objectPath: string): void {
  const [major, minor] = oldestKernel;
  if (!isKernelAtLeast(major, minor)) {
    throw new EnforcementError(
      "KERNEL_OLD",
      `this kernel is ${release()}; Ringwall needs ${major}.${minor} or later: boot a later one`,
    );
  }
  if (!existsSync(objectPath)) {
    throw new EnforcementError(
      "OBJECT",
      `the kernel programs ${objectPath} are missing: run \`make build\`, or install the package again`,
    );
  }
}

/** Makes `root` a bpffs of its own, or takes one that is there. Throws BPFFS or PERMISSION. */
export function prepareBpffs(root: string): void {
  if (existsSync(root) && !isBpffs(root) && !isEmptyDirectory(root)) {
    throw new EnforcementError(
      "BPFFS",
      `${root} holds other things, which a bpffs there would hide: name a directory that is empty or not there yet`,
    );
  }
  try {
    if (dirname(root) === "/sys/fs/bpf") native().mountBpffs("/sys/fs/bpf");
    if (!existsSync(root)) mkdirSync(root, { recursive: true, mode: 0o700 });
    native().mountBpffs(root);
  } catch (error) {
    // A unit without CAP_SYS_ADMIN finds its bpffs bound there already.
    if (isBpffs(root)) return;
    throw bpffsError(root, error);
  }
}

/** Whether a directory is, or is in, a bpffs. */
export function isBpffs(path: string): boolean {
  return existsSync(path) && statfsSync(path).type === bpffsMagic;
}

function isEmptyDirectory(path: string): boolean {
  return statSync(path).isDirectory() && readdirSync(path).length === 0;
}

function bpffsError(root: string, error: unknown): EnforcementError {
  const code = errorCode(error) ?? "";
  if (["EPERM", "EACCES"].includes(code)) {
    return new EnforcementError(
      "PERMISSION",
      `may not make ${root} a bpffs: run as root, or mount one there before (mount -t bpf bpf ${root})`,
      { cause: error },
    );
  }
  return new EnforcementError(
    "BPFFS",
    `no bpffs at ${root} (${errorText(error)}): mount one there (mount -t bpf bpf ${root})`,
    { cause: error },
  );
}

/** An error of loading the programs as a sentence that says what to do. */
export function loadError(objectPath: string, error: unknown): EnforcementError {
  const code = errorCode(error) ?? "";
  const refusedByVerifier = error instanceof KernelError && error.log.includes("PROG LOAD LOG");
  if (code === "EPERM" || (code === "EACCES" && !refusedByVerifier)) {
    return new EnforcementError(
      "PERMISSION",
      `the kernel does not let this user load programs (${code}): run as root, or with CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON`,
      { cause: error },
    );
  }
  if (error instanceof KernelError && error.errno === 0) {
    return new EnforcementError("ADDON", errorText(error), { cause: error });
  }
  const text = `the kernel refused ${objectPath}: ${errorText(error)}`;
  return new EnforcementError("OBJECT", text, { cause: error });
}
