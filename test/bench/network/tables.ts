/** conntrack's table, which all namespaces of a host share the bounds of: as large as the bench's flows need, meanwhile. */
import { existsSync, readFileSync, writeFileSync } from "node:fs";

const names = ["nf_conntrack_buckets", "nf_conntrack_max"];

/** At least `wanted` entries, while `body` runs; then, also where the process is ended, what was there before. */
export async function withTables<T>(wanted: number, body: () => Promise<T>): Promise<T> {
  const paths = names.map((name) => `/proc/sys/net/netfilter/${name}`).filter(existsSync);
  const before = paths.map((path) => readFileSync(path, "utf8"));
  const restore = () => {
    for (const [index, path] of paths.entries()) writeFileSync(path, before[index] ?? "");
  };
  process.once("exit", restore);
  try {
    for (const [index, path] of paths.entries())
      if (Number(before[index]) < wanted) writeFileSync(path, String(wanted));
    return await body();
  } finally {
    process.off("exit", restore);
    restore();
  }
}
