/** What the kernel lets this process do: capabilities by bit (linux/capability.h). */
import { readFileSync } from "node:fs";

const capBpf = 39n;
const needed: readonly (readonly [string, bigint])[] = [
  ["CAP_BPF", capBpf],
  ["CAP_NET_ADMIN", 12n],
  ["CAP_PERFMON", 38n],
];
/** Stands for each of them where the kernel looks at one. */
const capSysAdmin = 21n;

/** The effective ones of this process (proc(5), CapEff). */
export function readCapabilities(): bigint {
  const [, hex = "0"] = /^CapEff:\s*([0-9a-f]+)$/m.exec(readFileSync("/proc/self/status", "utf8")) ?? [];
  return BigInt(`0x${hex}`);
}

/** Names of those that the agent wants and that are not there. */
export function missingCapabilities(effective: bigint): readonly string[] {
  return needed.filter(([, bit]) => !has(effective, bit)).map(([name]) => name);
}

/** False where loading a program cannot but fail (bpf_capable() in the kernel). */
export function mayLoadPrograms(effective: bigint): boolean {
  return has(effective, capBpf) || has(effective, capSysAdmin);
}

function has(effective: bigint, bit: bigint): boolean {
  return ((effective >> bit) & 1n) === 1n;
}
