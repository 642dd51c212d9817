/** Who reads may go at any time, and an answer that cannot be written is no answer; neither changes an exit code. */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { root, shopRules, writeFiles } from "./program.ts";

const files = {
  "rules.yaml": shopRules,
  "none.yaml": "version: 1\n",
  "unmet.yaml": "- {from: 192.0.2.0/24, to: sg-db, protocol: tcp, expect: accept}\n",
  "met.yaml": "- {from: sg-web, to: sg-db, protocol: tcp, port: 5432, expect: accept}\n",
  "wrong.yaml": "version: 3\n",
};

/** Runs a line of bash in which `ringwall` is the program. */
function bash(line: string) {
  const program = `${process.execPath} ${join(root, "build/dist/main.js")}`;
  const script = `ringwall() { ${program} "$@"; }; set -o pipefail; ${line}`;
  const { status, stderr } = spawnSync("bash", ["-c", script], { encoding: "utf8", cwd: writeFiles(files) });
  return { status, stderr };
}

describe("a reader that goes", () => {
  it.each([
    [0, "check met.yaml --rules rules.yaml --json"],
    [1, "check unmet.yaml --rules rules.yaml --json"],
    [1, "validate wrong.yaml --json"],
    [2, "plan none.yaml --rules rules.yaml --detailed-exitcode"],
    [1, "lint rules.yaml --fail-on note"],
    [0, "--help"],
  ])("leaves the exit code %d: %s", (code, command) => {
    expect(bash(`ringwall ${command} | true`)).toEqual({ status: code, stderr: "" });
  });

  it("of what is wrong takes no exit code either", () => {
    expect(bash("ringwall validate wrong.yaml 2>&1 >/dev/null | true").status).toBe(1);
    expect(bash("ringwall statis 2>&-").status).toBe(64);
  });
});

describe("an answer that cannot be written", () => {
  it.each(["check met.yaml --rules rules.yaml", "lint rules.yaml --json", "--help"])(
    "%s ends with 1 and the reason",
    (command) => {
      const { status, stderr } = bash(`ringwall ${command} > /dev/full`);
      expect(stderr).toMatch(/^ringwall: the answer cannot be written: .*no space left on device.*\n$/);
      expect(status).toBe(1);
    },
  );
});
