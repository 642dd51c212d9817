import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { handWritten } from "./hand-written.ts";
import { ringwall, writeFiles } from "./program.ts";

let folder: string;
let file: string;

beforeEach(() => {
  folder = writeFiles({ "rules.yaml": handWritten });
  file = join(folder, "rules.yaml");
});

const text = () => readFileSync(file, "utf8");
const run = (...args: string[]) => ringwall([...args, "--rules", folder]);
const commentsOf = (yaml: string) => yaml.match(/#.*$/gm);

/** Runs a command that has to succeed, and keeps all comments; what it printed as JSON. */
async function json(...args: string[]): Promise<Record<string, unknown>> {
  const { code, stdout, stderr } = await run(...args, "--json");
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  return JSON.parse(stdout) as Record<string, unknown>;
}

/** Runs a command that has to be refused; its files keep their bytes. */
async function refused(exit: number, ...args: string[]): Promise<string> {
  const before = text();
  const { code, stdout, stderr } = await run(...args);
  expect({ code, stdout }).toEqual({ code: exit, stdout: "" });
  expect(text()).toBe(before);
  return stderr;
}

describe("group create", () => {
  it("makes a group of a template, at the end of its section", async () => {
    const record = await json(
      "group",
      "create",
      "sg-new",
      "--network",
      "vpc-lab",
      "--template",
      "web-linux",
      "--description",
      "new: ones",
    );
    expect(record).toMatchObject({
      group: "sg-new",
      changed: true,
      entry: { type: "basic", network: "vpc-lab" },
    });
    expect(text()).toContain(
      '\n\n  sg-new:\n    description: "new: ones"\n    type: basic\n    network: vpc-lab\n    rules:\n',
    );
    expect(commentsOf(text())).toEqual(commentsOf(handWritten));
    const shown = (await json("group", "show", "sg-new")) as { rules: { ingress: unknown[] } };
    expect(shown.rules.ingress).toHaveLength(8);
    expect(shown.rules.ingress).toContainEqual(
      expect.objectContaining({
        protocol: "tcp",
        portRange: "443/443",
        remote: "::/0",
        priority: 110,
        template: true,
      }),
    );
  });

  it("knows what a group can be", async () => {
    await json(
      "group",
      "create",
      "sg-shut",
      "--network",
      "vpc-lab",
      "--inner-access",
      "drop",
      "--default-egress",
      "drop",
      "--mode",
      "observe",
      "--default",
    );
    expect(await json("group", "show", "sg-shut")).toMatchObject({
      innerAccess: "drop",
      defaultEgress: "drop",
      mode: "observe",
      default: true,
      members: [],
    });
    await json(
      "group",
      "create",
      "sg-adv",
      "--network",
      "vpc-lab",
      "--type",
      "enterprise",
      "--template",
      "web-windows",
    );
    expect(await json("group", "show", "sg-adv")).toMatchObject({ type: "advanced" });
  });

  it("refuses what cannot be", async () => {
    expect(await refused(1, "group", "create", "sg-web", "--network", "vpc-lab")).toMatch(
      /sg-web already \(\S+:13:3\)/,
    );
    expect(await refused(64, "group", "create", "web", "--network", "vpc-lab")).toContain("write `sg-web`");
    expect(await refused(64, "group", "create", "sg-x")).toContain("vpc-shop, vpc-lab");
    expect(await refused(1, "group", "create", "sg-x", "--network", "vpc-lap")).toContain("write vpc-lab");
    expect(
      await refused(
        1,
        "group",
        "create",
        "sg-x",
        "--network",
        "vpc-lab",
        "--type",
        "advanced",
        "--inner-access",
        "accept",
      ),
    ).toContain("innerAccess");
  });
});

describe("group show and list", () => {
  it("show rules in the order in which they are judged, members, and who names it", async () => {
    expect(await json("group", "show", "sg-web")).toMatchObject({
      id: "sg-web",
      rules: {
        ingress: [
          { index: 1, policy: "drop", line: 19 },
          { index: 0, id: "http", line: 18 },
        ],
        egress: [],
      },
      members: [{ id: "eni-web-1", device: "tap101i0", addresses: ["10.0.0.11", "2001:db8::11"] }],
      usedBy: [{ group: "sg-db", rule: { index: 0 } }],
    });
    const { stdout } = await run("group", "show", "sg-web");
    expect(stdout).toMatch(
      /rules\.yaml:19\n[\s\S]*rules\.yaml:18\n[\s\S]*eni-web-1[\s\S]*Named by\n {2}sg-db/,
    );
  });

  it("list counts rules and members", async () => {
    const { groups } = (await json("group", "list")) as { groups: unknown[] };
    expect(groups).toMatchObject([
      { id: "sg-web", rules: 2, members: ["eni-web-1"] },
      { id: "sg-db", rules: 1, members: ["eni-db-1"] },
      { id: "sg-strict", type: "advanced", members: [] },
    ]);
    expect((await json("group", "list", "--network", "vpc-lab")).groups).toEqual([]);
    expect((await run("group", "list", "-o", "yaml")).stdout).toContain("groups:\n  - id: sg-web\n");
  });

  it("show the default group that was made, and a change writes it down", async () => {
    writeFileSync(file, handWritten.replace(", groups: [sg-db]} # the only one", "}"));
    expect(await json("group", "show", "sg-default-vpc-shop")).toMatchObject({ default: true, file: null });
    const record = await json("rule", "add", "sg-default-vpc-shop", "--port", "80/80", "--from", "::/0");
    expect(record.notes).toEqual([expect.stringContaining("made by itself until now")]);
    expect(await json("group", "show", "sg-default-vpc-shop")).toMatchObject({
      default: true,
      file,
      members: [{ id: "eni-db-1" }],
      rules: { ingress: { length: 7 }, egress: { length: 2 } },
    });
  });
});

describe("group delete", () => {
  it("refuses while it is in use, and says by whom", async () => {
    const stderr = await refused(1, "group", "delete", "sg-web");
    expect(stderr).toMatch(
      /members:\n {2}eni-web-1 \(i-web-1, tap101i0\)[\s\S]*name it:\n {2}sg-db, rule #0/,
    );
  });

  it("takes an unused group out", async () => {
    await json("group", "delete", "sg-strict");
    expect(text()).not.toContain("sg-strict");
    expect(commentsOf(text())).toEqual(commentsOf(handWritten));
  });
});

describe("clone, change, switch, delete", () => {
  it("replace a group's rules without a moment in between", async () => {
    await json("group", "clone", "sg-db", "sg-db-next");
    await json("rule", "modify", "sg-db-next", "0", "--port", "5433/5433");
    expect(await json("group", "switch", "sg-db", "sg-db-next")).toMatchObject({
      from: "sg-db",
      to: "sg-db-next",
      moved: ["eni-db-1"],
    });
    await json("group", "delete", "sg-db");
    expect(text()).toContain("groups: [sg-db-next]} # the only one");
    expect(
      (await run("explain", "--from", "eni-web-1", "--to", "eni-db-1", "--port", "5433")).stdout,
    ).toContain("accept");
    expect((await ringwall(["validate", folder])).code).toBe(0);
  });

  it("switch keeps the other groups, and joins none twice", async () => {
    await json("group", "clone", "sg-web", "sg-more");
    await json("join", "eni-db-1", "sg-web", "sg-more");
    expect(await json("group", "switch", "sg-web", "sg-more")).toMatchObject({
      moved: ["eni-web-1", "eni-db-1"],
    });
    expect(text()).toContain("groups: [sg-db, sg-more]} # the only one");
    expect(await json("group", "switch", "sg-web", "sg-more")).toMatchObject({ changed: false, moved: [] });
    expect(await refused(1, "group", "switch", "sg-more", "sg-strict")).toMatch(/basic and .*advanced/);
    expect(await refused(64, "group", "switch", "sg-db", "sg-db")).toContain("itself");
  });

  it("clone refuses rule by rule what is not legal in the other network or type", async () => {
    const network = await refused(1, "group", "clone", "sg-db", "sg-c", "--network", "vpc-lab");
    expect(network).toMatch(/`sg-web` is a group of network `vpc-shop`/);
    const type = await refused(1, "group", "clone", "sg-web", "sg-c", "--type", "advanced");
    expect(type).toMatch(/priority: 10[\s\S]*policy: drop/);
  });

  it("clone into the other type says what the type itself changes", async () => {
    const narrow = await json("group", "clone", "sg-strict", "sg-c", "--type", "basic");
    expect(narrow).toMatchObject({
      entry: { innerAccess: "drop" },
      notes: [expect.stringContaining("innerAccess: drop")],
    });
    await json("group", "create", "sg-t", "--network", "vpc-lab", "--template", "web-linux");
    await json("group", "clone", "sg-t", "sg-t-adv", "--type", "advanced");
    expect(await json("group", "show", "sg-t-adv")).toMatchObject({ type: "advanced", innerAccess: "drop" });
  });
});

describe("group modify", () => {
  it("changes what is named, in the usual place", async () => {
    await json(
      "group",
      "modify",
      "sg-web",
      "--inner-access",
      "drop",
      "--default-egress",
      "drop",
      "--mode",
      "observe",
      "--description",
      "web",
    );
    expect(text()).toContain(
      "  sg-web:\n    description: web\n    type: basic\n    network: vpc-shop\n    innerAccess: drop\n    defaultEgress: drop\n    mode: observe\n    rules:\n",
    );
    expect(commentsOf(text())).toEqual(commentsOf(handWritten));
    expect(await json("group", "show", "sg-web")).toMatchObject({ innerAccess: "drop", mode: "observe" });
    expect(await json("group", "modify", "sg-web", "--mode", "observe")).toMatchObject({ changed: false });
  });

  it("resets nothing that is not named to a default (OSSA-2014-031)", async () => {
    await json(
      "group",
      "modify",
      "sg-web",
      "--inner-access",
      "drop",
      "--default-egress",
      "drop",
      "--description",
      "a",
    );
    const { rules } = await json("group", "show", "sg-web");
    await json("group", "modify", "sg-web", "--description", "web");
    const shown = await json("group", "show", "sg-web");
    expect(shown).toMatchObject({ innerAccess: "drop", defaultEgress: "drop", description: "web" });
    expect(shown.rules).toEqual(rules);
  });

  it("refuses what the type cannot be, and nothing to change", async () => {
    expect(await refused(1, "group", "modify", "sg-strict", "--inner-access", "accept")).toContain(
      "advanced group",
    );
    expect(await refused(64, "group", "modify", "sg-web")).toContain("What is to change?");
    expect(await refused(64, "group", "modify", "sg-web", "--innerr-access", "drop")).toContain(
      "`ringwall group modify --help`",
    );
  });
});

describe("group restore", () => {
  it("takes the rules of a backup, and keeps the text of those that are there", async () => {
    await json("group", "clone", "sg-web", "sg-backup");
    await json("rule", "remove", "sg-web", "http");
    await json("rule", "add", "sg-web", "--id", "later", "--port", "1/1", "--from", "::/0");
    const merged = await json("group", "restore", "sg-web", "--from", "sg-backup", "--merge");
    expect(merged).toMatchObject({ added: [{ id: "http" }], removed: [] });
    const restored = await json("group", "restore", "sg-web", "--from", "sg-backup");
    expect(restored).toMatchObject({ added: [], removed: [{ id: "later" }] });
    expect(text()).toContain("remote: 198.51.100.0/24} # ticket 12\n");
    const [now, backup] = [await json("rule", "list", "sg-web"), await json("rule", "list", "sg-backup")].map(
      ({ rules }) => (rules as Record<string, unknown>[]).map(({ line: _line, ...rule }) => rule),
    );
    expect(now).toEqual(backup);
  });

  it("takes them from what `group export` wrote", async () => {
    const backup = join(writeFiles({}), "sg-web.yaml");
    const exported = await run("group", "export", "sg-web", "--format", "yaml");
    expect(exported.code).toBe(0);
    writeFileSync(backup, exported.stdout);
    await json("rule", "remove", "sg-web", "0", "1");
    expect(await json("group", "restore", "sg-web", "--from", backup)).toMatchObject({
      added: [{ id: "http" }, { policy: "drop" }],
    });
    expect(await json("rule", "list", "sg-web")).toMatchObject({
      rules: [{ id: "http", priority: 10 }, { policy: "drop" }],
    });
  });

  it("takes them from a file, a rules file or a group alone", async () => {
    const backup = writeFiles({
      "rules.yaml": handWritten,
      "group.yaml":
        "type: basic\nrules:\n  - {direction: ingress, policy: accept, protocol: gre, remote: sg-web}\n",
      "wrong.yaml": "networks: {n: {type: vpc}}\n",
    });
    await json("rule", "remove", "sg-db", "0");
    expect(await json("group", "restore", "sg-db", "--from", join(backup, "rules.yaml"))).toMatchObject({
      added: [{ portRange: "5432/5432" }],
    });
    expect(await json("group", "restore", "sg-db", "--from", join(backup, "group.yaml"))).toMatchObject({
      added: [{ protocol: "gre" }],
    });
    expect(await refused(1, "group", "restore", "sg-db", "--from", join(backup, "wrong.yaml"))).toContain(
      "no group with rules",
    );
    expect(await refused(1, "group", "restore", "sg-db", "--from", join(backup, "none.yaml"))).toContain(
      "it does not exist",
    );
    expect(await refused(1, "group", "restore", "sg-db", "--from", "sg-bd")).toContain("write sg-db");
  });
});
