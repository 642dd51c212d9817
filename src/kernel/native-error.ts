/** What a KernelError says: the failure, the last words of the log, and what to do. */

/** What the addon knows of a failed call (addon/index.d.ts, AddonError). */
export interface Failure {
  readonly message: string;
  readonly code: string;
  /** Positive; 0 where no call failed. */
  readonly errno: number;
  readonly log: string;
  readonly done?: number;
}

/** Lines of the log in a message; the whole log is on the error. */
const logLines = 3;

const hints: ReadonlyMap<string, string> = new Map([
  ["EPERM", "Run as root, or with CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON (by id: CAP_SYS_ADMIN)."],
  ["ENOENT", "Nothing of that name is there: look at the name, the path, and whether the bpffs is mounted."],
  ["E2BIG", "More than fits: where a map is full, give it more entries."],
  [
    "ENOMEM",
    "The kernel has no memory for this: make tables smaller, or give the host (or its cgroup) more.",
  ],
]);

/** The message of a KernelError: one line, then the end of the log, indented, then a hint where there is one. */
export function describeFailure(failure: Failure): string {
  const head = failure.errno === 0 ? failure.message : `${failure.message} (${failure.code})`;
  const hint = failure.errno === 0 ? undefined : hints.get(failure.code);
  return [head, ...lastWords(failure.log).map((line) => `  ${line}`), ...(hint ? [hint] : [])].join("\n");
}

/**
 * The lines that tell most: the verifier's last ones where it spoke (its complaint stands before its
 * statistics), else libbpf's last ones.
 */
function lastWords(log: string): string[] {
  const verifier = /-- BEGIN PROG LOAD LOG --\n([\s\S]*?)-- END PROG LOAD LOG --/.exec(log)?.[1];
  return (verifier ?? log)
    .split("\n")
    .map((line) => line.replace(/^libbpf: /, "").trimEnd())
    .filter((line) => line !== "" && !/^(processed \d+ insns|verification time|stack depth)/.test(line))
    .slice(-logLines);
}
