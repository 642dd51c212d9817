/** conntrack's table, which all namespaces of a host share the bounds of: as large as the bench's flows need, meanwhile. */
import { readFileSync, writeFileSync } from "node:fs";

const names = ["nf_conntrack_buckets", "nf_conntrack_max"];
const pathOf = (name: string): string => `/proc/sys/net/netfilter/${name}`;

/** At least `wanted` entries, while `body` runs; then, also where the process is ended, what was there before. */
export async function withTables<T>(wanted: number, body: () => Promise<T>): Promise<T> {
  const before = names.map((name) => readFileSync(pathOf(name), "utf8"));
  const restore = () => {
    for (const [index, name] of names.entries()) writeFileSync(pathOf(name), before[index] ?? "");
  };
  process.once("exit", restore);
  try {
    for (const [index, name] of names.entries())
      if (Number(before[index]) < wanted) writeFileSync(pathOf(name), String(wanted));
    return await body();
  } finally {
    process.off("exit", restore);
    restore();
  }
}
