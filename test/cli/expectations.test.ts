import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { ringwall, shopRules, writeFiles } from "./program.ts";

describe("a file of expectations", () => {
  const rules = {
    "rules.yaml": `${shopRules}  i-far:
    interfaces:
      eni-far: {device: tap9, network: vpc-b, mac: "02:00:00:00:09:09", addresses: [10.0.0.11], groups: [sg-far]}
`
      .replace("networks:", "networks:\n  vpc-b: {type: vpc}")
      .replace("groups:", "groups:\n  sg-far: {type: basic, network: vpc-b, rules: []}"),
  };
  const met = "{from: sg-web, to: sg-db, protocol: tcp, port: 5432, expect: accept}";
  const json = `[\n\t${met.replaceAll(/([\w-]*[a-z][\w-]*)/g, '"$1"')}\n]\n`;
  const check = async (text: string) => {
    const folder = writeFiles({ ...rules, "expect.yml": text });
    return ringwall(["check", join(folder, "expect.yml"), "--rules", join(folder, "rules.yaml")]);
  };

  it.each([
    ["with a byte order mark and CRLF, as an editor saves it", `\uFEFF- ${met}\r\n- ${met}\r\n`],
    ["as JSON, indented by tabs", json],
    ["with an alias for a row", `- &row ${met}\n- *row\n`],
  ])("is read %s", async (_name, text) => {
    expect(await check(text)).toMatchObject({ code: 0, stderr: "" });
  });

  it.each<[string, RegExp]>([
    [`- ${met}\n---\n- ${met}\n`, /expect\.yml:2:1: a second document begins here/],
    [`- {from: sg-web, from: sg-db, expect: drop}\n`, /expect\.yml:1:18: .*`from` stands twice/],
    [`-\n\tfrom: sg-web\n`, /expect\.yml:2:1: a tab in the indentation: write spaces/],
    [`- {from: 010.0.0.1, to: sg-db, expect: drop}\n`, /expect\.yml:1: row 1: .*write `10\.0\.0\.1`/],
    [`- {from: sg-far, to: sg-db, expect: drop}\n`, /row 1: no packet .* of different networks/],
  ])("is refused in the words of rules files: %j", async (text, words) => {
    const { code, stderr } = await check(text);
    expect(stderr).toMatch(words);
    expect(code).toBe(1);
  });
});
