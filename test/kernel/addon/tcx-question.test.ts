/** A question at a tcx hook that fails: it must not be taken for the answer that nothing stands there. */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { isKernelAtLeast } from "../../../src/kernel/host-check.ts";
import { root } from "../../cli/program.ts";

/** Asks at the loopback device, where nothing stands; `when`: which calls of bpf are refused. */
function askWhere(error: string, when: string): string {
  const program = `try { console.log(JSON.stringify(require(${JSON.stringify(join(root, "build/ringwall.node"))})
    .queryTcx({ ifindex: 1, direction: "ingress" }))) } catch (error) { console.log(error.code) }`;
  const faults = [
    "-f",
    "-qq",
    "-o",
    "/dev/null",
    "-e",
    "trace=bpf",
    "-e",
    `inject=bpf:error=${error}:when=${when}`,
  ];
  const { stdout } = spawnSync("strace", [...faults, process.execPath, "-e", program], { encoding: "utf8" });
  return stdout.trim();
}

describe("a question for what stands at a tcx hook", () => {
  it("that the kernel refuses for once says so", () => {
    const errors = isKernelAtLeast(6, 6) ? ["EINVAL", "ENOMEM", "EINTR"] : ["ENOMEM", "EINTR"];
    for (const error of errors) expect(askWhere(error, "1")).toBe(error);
  });

  it("finds nothing where there is nothing, and where the kernel knows no such hooks (before 6.6)", () => {
    expect(askWhere("EINVAL", "100")).toBe("[]");
    expect(askWhere("EINVAL", "1+")).toBe("[]");
  });
});
