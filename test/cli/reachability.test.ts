import { describe, expect, it } from "vitest";
import { ringwall, shopRules, writeFiles } from "./program.ts";

const write = (text = shopRules): string => writeFiles({ "rules.yaml": text });

describe("reachability", () => {
  it("prints who reaches whom, on what", async () => {
    const { code, stdout } = await ringwall(["reachability", "--rules", write()]);
    expect(code).toBe(0);
    expect(stdout.split("\n").map((line) => line.replaceAll(/ {2,}/g, "  "))).toEqual([
      "vpc-shop",
      "FROM \\ TO  sg-web  sg-db  internet",
      "sg-web (1)  -  tcp 5432  all",
      "sg-db (1)  tcp 80  -  all",
      "internet  IPv4 some: tcp 80 | IPv6 nothing  nothing",
      "some: between some of the members or addresses only; `--from A --to B` says which",
      "-: no two members with addresses of one family",
      "",
    ]);
  });

  it("tells one cell in detail", async () => {
    const args = ["reachability", "--rules", write(), "--from", "internet", "--to", "sg-web"];
    const { stdout } = await ringwall(args);
    expect(stdout).toBe(
      "internet to sg-web\nIPv4: some: tcp 80\n  all but 198.51.100.0/24: tcp 80\nIPv6: nothing\n",
    );
    const { ipv4 } = JSON.parse((await ringwall([...args, "--json"])).stdout);
    expect(ipv4.outside).toEqual([
      {
        except: ["198.51.100.0/24"],
        all: [{ protocol: "tcp", ports: "80/80" }],
        some: [{ protocol: "tcp", ports: "80/80" }],
        partly: [],
      },
    ]);
  });

  it("gives programs the same record, for the groups that are asked about", async () => {
    const { stdout } = await ringwall(["reachability", "--rules", write(), "--group", "sg-db", "--json"]);
    const { networks } = JSON.parse(stdout);
    expect(networks).toMatchObject([{ network: "vpc-shop", groups: [{ id: "sg-db", members: 1 }] }]);
    expect(networks[0].cells.length).toBe(3);
  });

  it("prints rows where a matrix would be too wide", async () => {
    const more = Array.from(
      { length: 5 },
      (_, index) => `  sg-${index}: {type: basic, network: vpc-shop}\n`,
    ).join("");
    const text = shopRules.replace("groups:\n", `groups:\n${more}`);
    const { stdout } = await ringwall(["reachability", "--rules", write(text)]);
    expect(stdout).toMatch(/^FROM +TO +SERVICES$/m);
    expect(stdout).toMatch(/^sg-web +sg-db +tcp 5432$/m);
    expect(stdout).toContain("other pairs: nothing.");
  });

  it("says what to write for a name that is not there", async () => {
    const rules = write();
    const { code, stderr } = await ringwall(["reachability", "--rules", rules, "--group", "sg-wbe"]);
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: "ringwall: There is no group sg-wbe in these rules: write sg-web.\n",
    });
    expect((await ringwall(["reachability", "--rules", rules, "--from", "sg-web"])).code).toBe(64);
    expect((await ringwall(["reachability", "--rules", rules, "--network", "vpc-x"])).code).toBe(1);
  });
});
