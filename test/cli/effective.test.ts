import { describe, expect, it } from "vitest";
import { ringwall, shopRules, writeFiles } from "./program.ts";

describe("interface show --effective", () => {
  const show = (...args: string[]) => {
    const folder = writeFiles({
      "rules.yaml": shopRules.replace("groups: [sg-db]", "groups: [sg-db, sg-web]"),
    });
    return ringwall(["interface", "show", "--rules", folder, "--effective", ...args]);
  };

  it("prints the merged rules in the order in which they are judged, then what is left", async () => {
    const { code, stdout } = await show("10.0.0.12");
    expect(code).toBe(0);
    const lines = stdout.replaceAll(/\/\S*\/rules\.yaml/g, "rules.yaml").split("\n");
    expect(lines.map((line) => line.trim().replaceAll(/ {2,}/g, "  "))).toEqual([
      "eni-db-1 of vpc-shop, intranet, in sg-db (basic), sg-web (basic)",
      "",
      "egress",
      "no rules",
      "then accept between members of sg-db, sg-web (inner access)",
      "then accept",
      "",
      "ingress",
      "PRIORITY  POLICY  PROTOCOL  PORTS  REMOTE  ALSO  RULE",
      "1  1  drop  all  -  198.51.100.0/24  sg-web rule 1 (rules.yaml:10)",
      "2  1  accept  tcp  5432/5432  sg-web  sg-db rule 0 (rules.yaml:15)",
      "3  10  accept  tcp  80/80  0.0.0.0/0  sg-web rule 0 (rules.yaml:9)",
      "then accept between members of sg-db, sg-web (inner access)",
      "then drop",
      "",
    ]);
  });

  it("gives programs the same record", async () => {
    const { stdout } = await show("i-db-1", "--json");
    const { sides } = JSON.parse(stdout);
    expect(sides[1]).toMatchObject({
      direction: "ingress",
      default: "drop",
      innerAccess: ["sg-db", "sg-web"],
      rules: [
        { group: "sg-web", index: 1, priority: 1, policy: "drop", line: 10 },
        { group: "sg-db", index: 0, says: { portRange: "5432/5432", remote: "sg-web" } },
        { group: "sg-web", index: 0, enforced: true, expired: false },
      ],
    });
  });
});
