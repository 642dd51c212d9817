/** The door to the addon, and the only importer of it: loads it when first asked, and speaks of its errors. */
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { describeFailure, type Failure } from "./native-error.ts";

export type {
  BpfLink,
  BpfMap,
  BpfObject,
  BpfProgram,
  Entries,
  FilterInfo,
  LinkEvent,
  LinkInfo,
  LinkMonitor,
  LoadOptions,
  MapInfo,
  PortInfo,
  RingBuffer,
  TestRunResult,
} from "../../addon/index.d.ts";

/** All that the addon offers (addon/index.d.ts). */
export type Native = typeof import("../../addon/index.d.ts");

/** A refusal of the kernel or of libbpf. */
export class KernelError extends Error {
  override readonly name = "KernelError";
  /** "EPERM", "ENOENT", …; "LIBBPF_FORMAT" and the like for libbpf's own. */
  readonly code: string;
  /** Positive; 0 where the addon itself could not be loaded. */
  readonly errno: number;
  /** All that libbpf or the kernel said; the message has its last lines. */
  readonly log: string;
  /** After setBatch: how many entries were set. */
  readonly done: number | undefined;

  constructor(failure: Failure) {
    super(describeFailure(failure));
    this.code = failure.code;
    this.errno = failure.errno;
    this.log = failure.log;
    this.done = failure.done;
  }
}

let loaded: Native | undefined;

/**
 * The addon. Every failed call on it, or on what it gave, throws a KernelError.
 * Throws a KernelError (ENOENT, ERR_DLOPEN_FAILED) where it was not built or cannot be loaded here.
 */
export function native(): Native {
  loaded ??= loadAddon(join(findRoot(dirname(fileURLToPath(import.meta.url))), "build", "ringwall.node"));
  return loaded;
}

/**
 * Loads the addon at `path` and makes its errors KernelErrors. `native()` is what callers want.
 * Throws a KernelError: ENOENT where there is no file, ERR_DLOPEN_FAILED where it does not load.
 */
export function loadAddon(path: string): Native {
  if (!existsSync(path)) {
    throw new KernelError({
      message: `the addon ${path} is missing: run \`make build\``,
      code: "ENOENT",
      errno: 0,
      log: "",
    });
  }
  let addon: Native;
  try {
    addon = createRequire(import.meta.url)(path);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new KernelError({
      message: `the addon does not load: ${reason}. Run \`make build\` on this machine, with libbpf 1 installed`,
      code: "ERR_DLOPEN_FAILED",
      errno: 0,
      log: "",
    });
  }
  addon.setErrorFactory((error) => new KernelError(error));
  return addon;
}

/** The directory of the package that `from` is in: the source tree's, or that of an installed bundle. */
function findRoot(from: string): string {
  for (let directory = from; ; directory = dirname(directory)) {
    if (existsSync(join(directory, "package.json"))) return directory;
    if (directory === dirname(directory)) return from;
  }
}
