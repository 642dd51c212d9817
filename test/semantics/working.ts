/** docs/semantics.md, "Working on rules": the sentences are commands. */
import { readFileSync } from "node:fs";
import { expect } from "vitest";
import { Desk } from "./desk.ts";
import { type Chapter, does, type Row } from "./rows.ts";
import { adviceRows, askRows } from "./working-advice.ts";
import { exportRows, importRows } from "./working-interchange.ts";

const rules = ["ingress accept tcp 80/80 any", "ingress drop tcp 25/25 any"];
const shop = {
  rules,
  networks: { "vpc-b": { type: "vpc" } },
  groups: { "sg-b": { rules: ["ingress accept tcp 5432/5432 sg-t"] }, "sg-free": {} },
  nics: { "eni-3": { groups: ["sg-b"] } },
};

const cloneRows: readonly Row[] = [
  does("clone, change the clone, switch all members in one step, delete the original", async () => {
    const desk = new Desk({ rules });
    await desk.done("group", "clone", "sg-t", "sg-next");
    expect(desk.model.interfaces.get("eni-1")?.groups).toEqual(["sg-t"]);
    await desk.done("rule", "modify", "sg-next", "0", "--port", "8080/8080");
    expect(desk.model.groups.get("sg-t")?.rules[0]?.ports).toEqual({ first: 80, last: 80 });
    expect(await desk.done("group", "switch", "sg-t", "sg-next")).toMatchObject({
      moved: ["eni-1", "eni-2"],
    });
    for (const { groups } of desk.model.interfaces.values()) expect(groups).toEqual(["sg-next"]);
    await desk.done("group", "delete", "sg-t");
    expect([...desk.model.groups.keys()]).toEqual(["sg-next"]);
    expect(desk.model.groups.get("sg-next")?.rules[0]?.ports).toEqual({ first: 8080, last: 8080 });
  }),
  does("into another network, where its rules are legal there", async () => {
    const desk = new Desk(shop);
    await desk.done("group", "clone", "sg-t", "sg-copy", "--network", "vpc-b");
    expect(desk.model.groups.get("sg-copy")).toMatchObject({ network: "vpc-b", rules: { length: 2 } });
    expect(await desk.refused("group", "clone", "sg-b", "sg-other", "--network", "vpc-b")).toMatch(
      /`sg-t` is a group of network `vpc-a`/,
    );
  }),
  does("into another type, where its rules are legal there", async () => {
    const desk = new Desk({ ...shop, groups: { ...shop.groups, "sg-plain": { rules: rules.slice(0, 1) } } });
    await desk.done("group", "clone", "sg-plain", "sg-adv", "--type", "advanced");
    expect(desk.model.groups.get("sg-adv")?.type).toBe("advanced");
    expect(await desk.refused("group", "clone", "sg-t", "sg-bad", "--type", "advanced")).toMatch(
      /policy: drop/,
    );
  }),
  does("a dry run says what a switch would do, and does nothing", async () => {
    const desk = new Desk(shop);
    const before = desk.text;
    const { code, stdout } = await desk.run("group", "switch", "sg-t", "sg-free", "--dry-run");
    expect(code).toBe(0);
    expect(stdout).toContain("sg-free");
    expect(desk.text).toBe(before);
  }),
];

const deleteRows: readonly Row[] = [
  does("one with members: they are listed", async () => {
    const desk = new Desk({ rules });
    const said = await desk.refused("group", "delete", "sg-t");
    expect(said).toMatch(/members:\n {2}eni-1 [\s\S]*\n {2}eni-2 /);
  }),
  does("one that another group's rule names: the rule is listed", async () => {
    const desk = new Desk({
      ...shop,
      groups: { ...shop.groups, "sg-c": { rules: ["ingress accept all sg-free"] } },
    });
    expect(await desk.refused("group", "delete", "sg-free")).toMatch(/name it:\n {2}sg-c, rule #0/);
  }),
  does("one that nobody uses is deleted", async () => {
    const desk = new Desk(shop);
    await desk.done("group", "delete", "sg-free");
    expect(desk.model.groups.has("sg-free")).toBe(false);
  }),
];

export const working: Chapter = {
  heading: "Working on rules",
  sentences: {
    "**Clone** a group into another": cloneRows,
    "A group with members, or one that another group's rule names": deleteRows,
    ...importRows,
    ...exportRows,
    ...adviceRows,
    ...askRows,
  },
};

/** Sentences of other chapters that speak of commands. */
export const commandRows = {
  shown: does("`group show` prints it", async () => {
    const desk = new Desk({ nic: { groups: undefined } });
    const shown = await desk.done("group", "show", "sg-default-vpc-a");
    expect(shown).toMatchObject({ default: true, type: "basic", members: [{ id: "eni-1" }] });
    expect(shown).toMatchObject({ rules: { ingress: { length: 6 }, egress: { length: 2 } } });
    expect(readFileSync(desk.file, "utf8")).not.toContain("sg-default");
  }),
  asked: does(
    "`group create --default --web` opens TCP 80 and 443 too, without --web it does not",
    async () => {
      const portsOf = (desk: Desk): (number | undefined)[] =>
        desk.model.groups.get("sg-home")?.rules.flatMap(({ ports }) => ports?.first ?? []) ?? [];
      const plain = new Desk({});
      await plain.done("group", "create", "sg-home", "--default");
      expect(portsOf(plain)).toEqual([22, 3389, 22, 3389]);
      const web = new Desk({});
      await web.done("group", "create", "sg-home", "--default", "--web");
      expect(portsOf(web)).toEqual([22, 3389, 80, 443, 22, 3389, 80, 443]);
      expect(web.model.groups.get("sg-home")).toMatchObject({ isDefault: true, type: "basic" });
      const { code } = await new Desk({}).run("group", "create", "sg-home", "--web");
      expect(code).toBe(64);
    },
  ),
  added: does("made when the CLI adds a rule, and kept when rules before it go", async () => {
    const desk = new Desk({ rules });
    await desk.done("rule", "add", "sg-t", "--protocol", "tcp", "--port", "22/22", "--from", "10.0.0.0/8");
    const idOf = (): string | null | undefined => desk.model.groups.get("sg-t")?.rules.at(-1)?.id;
    const made = idOf();
    expect(made).toMatch(/^[A-Za-z0-9][A-Za-z0-9._-]*$/);
    await desk.done("rule", "remove", "sg-t", "0");
    expect(idOf()).toBe(made);
    await desk.done("rule", "remove", "sg-t", String(made));
    expect(desk.model.groups.get("sg-t")?.rules.map(({ id }) => id)).toEqual([null]);
  }),
} satisfies Readonly<Record<string, Row>>;
