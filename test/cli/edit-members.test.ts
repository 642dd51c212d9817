import { readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { handWritten } from "./hand-written.ts";
import { makeFolder, ringwall, writeFiles } from "./program.ts";

let folder: string;
let file: string;

beforeEach(() => {
  folder = writeFiles({ "rules.yaml": handWritten });
  file = join(folder, "rules.yaml");
});

const text = () => readFileSync(file, "utf8");
const run = (...args: string[]) => ringwall([...args, "--rules", folder]);

async function json(...args: string[]): Promise<Record<string, unknown>> {
  const { code, stdout, stderr } = await run(...args, "--json");
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  return JSON.parse(stdout) as Record<string, unknown>;
}

async function refused(exit: number, ...args: string[]): Promise<string> {
  const before = text();
  const { code, stdout, stderr } = await run(...args);
  expect({ code, stdout }).toEqual({ code: exit, stdout: "" });
  expect(text()).toBe(before);
  return stderr;
}

const guest = ["--device", "tap103i0", "--mac", "02:00:00:00:01:03"];

describe("join and leave", () => {
  it.each(["eni-web-1", "i-web-1", "tap101i0", "02:00:00:00:01:01", "10.0.0.11", "2001:db8::11"])(
    "take an interface by %s",
    async (name) => {
      expect(await json("join", name, "sg-db")).toMatchObject({
        interface: "eni-web-1",
        joined: ["sg-db"],
        groups: ["sg-web", "sg-db"],
      });
      expect(text()).toBe(handWritten.replace("groups: [sg-web]}", "groups: [sg-web, sg-db]}"));
      expect(await json("leave", name, "sg-db")).toMatchObject({ left: ["sg-db"], groups: ["sg-web"] });
      expect(text()).toBe(handWritten);
    },
  );

  it("change nothing that is so already", async () => {
    expect(await json("join", "eni-web-1", "sg-web")).toMatchObject({ changed: false, joined: [] });
    expect(await json("leave", "eni-web-1", "sg-db")).toMatchObject({ changed: false, left: [] });
    expect(text()).toBe(handWritten);
  });

  it("refuse the last group, other types and networks, unknown and ambiguous names", async () => {
    expect(await refused(1, "leave", "eni-web-1", "sg-web")).toMatch(
      /join the default group of vpc-shop: join another one first/,
    );
    expect(await refused(1, "join", "eni-web-1", "sg-strict")).toMatch(/basic and .*advanced/);
    expect(await refused(1, "join", "eni-web-1", "sg-bd")).toContain("write sg-db");
    expect(await refused(1, "join", "eni-wbe-1", "sg-db")).toContain("write eni-web-1");
    await json("interface", "add", "eni-web-2", "--instance", "i-web-1", ...guest, "--network", "vpc-shop");
    expect(await refused(1, "join", "i-web-1", "sg-db")).toMatch(
      /several interfaces[\s\S]*eni-web-1[\s\S]*eni-web-2/,
    );
    await json("group", "create", "sg-lab", "--network", "vpc-lab");
    expect(await refused(1, "join", "eni-web-1", "sg-lab")).toContain("vpc-lab");
  });

  it("leave the default group to those that join another by name", async () => {
    await json("instance", "add", "i-new", "eni-new", ...guest, "--network", "vpc-shop");
    const joined = await json("join", "eni-new", "sg-web");
    expect(joined).toMatchObject({ groups: ["sg-default-vpc-shop", "sg-web"] });
    expect(joined.notes).toEqual([expect.stringContaining("sg-default-vpc-shop was made by itself")]);
    expect(await json("leave", "eni-new", "sg-default-vpc-shop")).toMatchObject({ groups: ["sg-web"] });
    await json("group", "delete", "sg-default-vpc-shop");
  });
});

describe("instances and interfaces", () => {
  it("are added beside their like, and removed without a trace", async () => {
    await json(
      "instance",
      "add",
      "i-new",
      "eni-new",
      ...guest,
      "--network",
      "vpc-shop",
      "--address",
      "10.0.0.13,2001:db8::13",
      "--group",
      "sg-db",
    );
    expect(text()).toBe(
      `${handWritten}  i-new:
    interfaces:
      eni-new: {device: tap103i0, network: vpc-shop, mac: "02:00:00:00:01:03", addresses: [10.0.0.13, "2001:db8::13"], groups: [sg-db]}
`,
    );
    expect(await json("interface", "remove", "10.0.0.13")).toMatchObject({
      instance: "i-new",
      instanceRemoved: true,
      removed: [{ id: "eni-new" }],
    });
    expect(text()).toBe(handWritten);
  });

  it("take every field", async () => {
    await json(
      ...[
        "interface",
        "add",
        "eni-2",
        "--instance",
        "i-web-1",
        "--network",
        "vpc-shop",
        "--on-host",
        "kvm-1,kvm-2",
      ],
      ...[...guest, "--anti-spoofing", "observe", "--pair", "10.0.0.100,2001:db8:1::/64=02:00:00:00:09:09"],
      ...["--vlan", "100,200", "--ether-type", "0x88cc", "--group", "sg-db"],
    );
    expect(await json("interface", "show", "eni-2")).toMatchObject({
      hosts: ["kvm-1", "kvm-2"],
      addresses: [],
      antiSpoofing: "observe",
      allowedAddressPairs: [
        { address: "10.0.0.100/32", mac: null },
        { address: "2001:db8:1::/64", mac: "02:00:00:00:09:09" },
      ],
      vlans: [100, 200],
      etherTypes: [0x88cc],
    });
    const { stdout } = await run("interface", "show", "tap103i0");
    expect(stdout).toMatch(/anti-spoofing +observed/);
    expect(stdout).toMatch(/ethertypes +0x88cc/);
  });

  it("list and show what there is", async () => {
    expect(await json("interface", "list", "--group", "sg-web")).toMatchObject({
      interfaces: [{ id: "eni-web-1" }],
    });
    expect(await json("instance", "list")).toMatchObject({
      instances: [{ id: "i-web-1", interfaces: [{ id: "eni-web-1" }] }, { id: "i-db-1" }],
    });
    expect(await json("instance", "show", "i-db-1")).toMatchObject({
      interfaces: [{ addresses: ["10.0.0.12"] }],
    });
    expect((await run("interface", "list")).stdout).toContain("tap102i0");
  });

  it("refuse what is taken, wrong or unknown", async () => {
    expect(
      await refused(1, "instance", "add", "i-web-1", "eni-x", ...guest, "--network", "vpc-shop"),
    ).toContain("interface add");
    expect(
      await refused(
        1,
        "interface",
        "add",
        "eni-db-1",
        "--instance",
        "i-x",
        ...guest,
        "--network",
        "vpc-shop",
      ),
    ).toContain("already");
    expect(
      await refused(
        1,
        "instance",
        "add",
        "i-x",
        "eni-x",
        "--device",
        "tap101i0",
        "--mac",
        "02:00:00:00:01:03",
        "--network",
        "vpc-shop",
      ),
    ).toContain("eni-web-1's already");
    expect(
      await refused(
        1,
        "instance",
        "add",
        "i-x",
        "eni-x",
        ...guest,
        "--network",
        "vpc-shop",
        "--address",
        "10.0.0.11",
      ),
    ).toContain("eni-web-1");
    expect(await refused(1, "instance", "remove", "i-wbe-1")).toContain("write i-web-1");
    expect(await refused(1, "interface", "show", "10.9.9.9")).toContain("10.9.9.9");
    expect(await refused(64, "instance", "add", "i-x", "eni-x", "--device", "tap9")).toContain("mac");
  });
});

describe("prefix-list", () => {
  it("creates, fills, shows and empties a list", async () => {
    await json("prefix-list", "create", "pl-new", "198.51.100.77/24", "--name", "New ones");
    await json("prefix-list", "add", "pl-new", "192.0.2.0/25", "192.0.2.128/25", "--description", "lab");
    expect(await json("prefix-list", "add", "pl-new", "192.0.2.0/25")).toMatchObject({
      changed: false,
      added: [],
    });
    expect(await json("prefix-list", "show", "pl-new")).toMatchObject({
      family: "ipv4",
      name: "New ones",
      entries: [
        { cidr: "198.51.100.0/24" },
        { cidr: "192.0.2.0/25", description: "lab" },
        { cidr: "192.0.2.128/25" },
      ],
      usedBy: [],
    });
    await json("prefix-list", "remove", "pl-new", "192.0.2.0/25");
    expect(await json("prefix-list", "list")).toMatchObject({
      lists: [
        { id: "pl-office", entries: 1, usedBy: 1 },
        { id: "pl-new", entries: 2 },
      ],
    });
    await json("prefix-list", "delete", "pl-new");
    expect(text()).toBe(handWritten);
  });

  it("keeps a list in brackets in brackets", async () => {
    await json("prefix-list", "add", "pl-office", "203.0.113.7/32");
    expect(text()).toContain(
      "entries: [{cidr: 203.0.113.0/24, description: HQ}, {cidr: 203.0.113.7/32}]} # from the wiki\n",
    );
  });

  it("refuses while a rule names it, other families, and what is unknown", async () => {
    expect(await refused(1, "prefix-list", "delete", "pl-office")).toMatch(
      /name it:\n {2}sg-strict, rule #0/,
    );
    expect(await refused(1, "prefix-list", "add", "pl-office", "2001:db8::/32")).toContain("ipv6");
    expect(await refused(1, "prefix-list", "remove", "pl-office", "10.0.0.0/8")).toContain(
      "no entry 10.0.0.0/8",
    );
    expect(await refused(64, "prefix-list", "add", "pl-office", "10.0.0.1")).toContain("10.0.0.1/32");
    expect(await refused(64, "prefix-list", "create", "pl-x")).toContain("--family");
    expect(await refused(1, "prefix-list", "show", "pl-ofice")).toContain("write pl-office");
  });
});

describe("limits", () => {
  it("refuse the change as a whole, with limit, value and what was asked", async () => {
    const entries = Array.from({ length: 1000 }, (_, index) => `10.${index >> 8}.${index & 255}.0/24`);
    expect(await refused(1, "prefix-list", "add", "pl-office", ...entries)).toMatch(
      /entriesPerPrefixList.*1000.*1001 asked/,
    );
  });
});

describe("a desk without rules", () => {
  it("begins with a file that is named, once there is a network", async () => {
    const empty = makeFolder();
    const { code, stderr } = await ringwall([
      "group",
      "create",
      "sg-a",
      "--rules",
      join(empty, "rules.yaml"),
    ]);
    expect(code).toBe(64);
    expect(stderr).toContain("The rules have no network: write `networks: {vpc-a: {type: vpc}}`");
    const list = await ringwall(["prefix-list", "create", "pl-a", "10.0.0.0/8", "--rules", empty, "--json"]);
    expect(JSON.parse(list.stdout)).toMatchObject({ changed: true, files: [join(empty, "rules.yaml")] });
    expect(readFileSync(join(empty, "rules.yaml"), "utf8")).toBe(
      "version: 1\nprefixLists:\n  pl-a:\n    family: ipv4\n    entries:\n      - {cidr: 10.0.0.0/8}\n",
    );
  });
});
