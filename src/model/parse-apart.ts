/**
 * Reads large rule sets in a thread of their own, with memory of their own: the event loop goes on, and a set that
 * takes more memory than there may be ends that thread and nothing else.
 */
import { Worker } from "node:worker_threads";
import type { Diagnostic } from "./diagnostic.ts";
import type { Group, Interface, Network, PrefixList } from "./model.ts";
import { type ParseOptions, type ParseProgress, type ParseResult, parseModelInSlices } from "./parse.ts";
import type { ParseJob, ParseMessage } from "./parse-message.ts";
import type { SourceText } from "./yaml/source.ts";

/** Characters from which a thread is worth its start (some 50 ms). */
export const apartFrom = 512 * 1024;
/** MiB of the thread's heap. A legal megabyte takes some 40. */
const heapMax = 4096;

export interface ParseHooks {
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: ParseProgress) => void;
  /** For tests. */
  readonly heapMax?: number;
}

/** In the bundle the thread's program lies beside this one; the source tree's is the one that was built. */
const program = new URL(
  import.meta.url.endsWith(".ts") ? "../../build/dist/parse-worker.js" : "parse-worker.js",
  import.meta.url,
);

/**
 * As parseModelInSlices, in a thread where there is much to read.
 * Throws the signal's reason when it is aborted.
 */
export async function parseModelApart(
  files: readonly SourceText[],
  options: ParseOptions,
  hooks: ParseHooks = {},
): Promise<ParseResult> {
  const length = files.reduce((sum, { text }) => sum + text.length, 0);
  if (length < apartFrom) return parseModelInSlices(files, options, hooks);
  hooks.signal?.throwIfAborted();
  const job: ParseJob = { files: files.map(({ path, text }) => ({ path, text })), options };
  const worker = new Worker(program, {
    workerData: job,
    resourceLimits: { maxOldGenerationSizeMb: hooks.heapMax ?? heapMax },
  });
  const abort = () => void worker.terminate();
  hooks.signal?.addEventListener("abort", abort, { once: true });
  try {
    return await receive(worker, hooks);
  } catch (error) {
    if (isOutOfMemory(error)) return refuseSize(length, hooks.heapMax ?? heapMax);
    throw error;
  } finally {
    hooks.signal?.removeEventListener("abort", abort);
    await worker.terminate();
  }
}

function receive(worker: Worker, { signal, onProgress }: ParseHooks): Promise<ParseResult> {
  const model = {
    networks: new Map<string, Network>(),
    prefixLists: new Map<string, PrefixList>(),
    groups: new Map<string, Group>(),
    interfaces: new Map<string, Interface>(),
  };
  return new Promise((resolve, reject) => {
    worker.once("error", reject);
    worker.once("exit", () => reject(signal?.reason ?? new Error("the thread that reads rules has ended")));
    worker.on("message", (message: ParseMessage) => {
      switch (message.kind) {
        case "progress":
          return onProgress?.(message.progress);
        case "networks":
          return addAll(model.networks, message.entries);
        case "prefixLists":
          return addAll(model.prefixLists, message.entries);
        case "groups":
          return addAll(model.groups, message.entries);
        case "interfaces":
          return addAll(model.interfaces, message.entries);
        case "done":
          return resolve({ model: message.legal ? model : null, diagnostics: message.diagnostics });
        default:
          return message satisfies never;
      }
    });
  });
}

function addAll<T>(map: Map<string, T>, entries: readonly (readonly [string, T])[]): void {
  for (const [id, value] of entries) map.set(id, value);
}

function isOutOfMemory(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ERR_WORKER_OUT_OF_MEMORY";
}

function refuseSize(characters: number, mebibytes: number): ParseResult {
  const message =
    `reading ${characters} characters of rules took more than ${mebibytes} MiB of memory: ` +
    "split them over several hosts, or write less of them in flow style and with aliases";
  const diagnostic: Diagnostic = {
    code: "file-too-large",
    severity: "error",
    place: null,
    message,
    write: null,
    related: [],
  };
  return { model: null, diagnostics: [diagnostic] };
}
