import { describe, expect, it } from "vitest";
import type { ExplainReply } from "../../../src/agent/protocol.ts";
import { renderExplanation } from "../../../src/cli/render/explain.ts";

const side = { interface: "eni-1", direction: "ingress", verdict: "accept", reason: "rule" } as const;
const rule = { group: "sg-a", index: 0, priority: 1, policy: "accept", line: 3, id: null } as const;
const reply = (kernel: ExplainReply["kernel"]): ExplainReply => ({
  verdict: "accept",
  sides: [
    {
      ...side,
      rule,
      considered: [
        { ...rule, index: 1, differs: ["portRange", "remote"] },
        { ...rule, differs: [] },
      ],
    },
  ],
  kernel,
});

describe("explain for people", () => {
  it("lists every rule that was considered, in order, and which decides", () => {
    expect(renderExplanation(reply({ verdict: "accept", agrees: true })).split("\n")).toEqual([
      "accept",
      "  eni-1 ingress: accept rule by sg-a rule 0 (line 3), priority 1",
      "    sg-a rule 1 (line 3), priority 1, accept: another portRange, remote",
      "    sg-a rule 0 (line 3), priority 1, accept: decides",
      "  kernel: accept, as the rules say",
    ]);
  });

  it("says which end a kernel was asked for that has not both", () => {
    const sides = [{ ...side, reason: "rule" }];
    const text = renderExplanation({ ...reply({ verdict: "accept", agrees: true, sides }), verdict: "drop" });
    expect(text).toContain(
      "kernel: accept, as the rules say of eni-1 ingress; the other end is not on this host",
    );
  });

  it("calls a kernel that answers otherwise a bug, and says how to report it", () => {
    const sides = [{ ...side, verdict: "drop" as const, reason: "no-rule" }];
    const text = renderExplanation(reply({ verdict: "drop", agrees: false, sides }));
    expect(text).toContain("kernel: drop, unlike the rules (eni-1 ingress drop no-rule)");
    expect(text).toContain("This is a bug of Ringwall. Please report it");
  });

  it("knows an interface that is not ready from a bug", () => {
    const sides = [{ ...side, verdict: "drop" as const, reason: "not-ready" }];
    const text = renderExplanation(reply({ verdict: "drop", agrees: false, sides }));
    expect(text).toContain("`ringwall status` says what the interface lacks");
    expect(text).not.toContain("bug");
  });
});
