import { describe, expect, it } from "vitest";
import { defaultLimits } from "../../../src/model/model.ts";
import { parseModel } from "../../../src/model/parse.ts";
import { EditError, RulesEditor } from "../../../src/store/edit.ts";

const shop = `# The shop. Owner: team web.
version: 1

networks:
  vpc-shop: {type: vpc}   # one for all

groups:
  # What the world sees.
  sg-web:
    type: basic                # basic | advanced
    network: vpc-shop
    rules:
      # HTTP
      - {direction: ingress, policy: accept, protocol: tcp, portRange: 80/80, remote: 0.0.0.0/0, priority: 10}
      - {direction: ingress, policy: drop, protocol: all, portRange: -1/-1, remote: 198.51.100.0/24} # ticket 12

  sg-db:
    type: basic
    network: vpc-shop
    rules:
      - direction: ingress
        policy: accept # only for the web servers
        protocol: tcp
        portRange: 5432/5432
        remote: 'sg-web'
      # - {commented: out}

# Machines
instances:
  i-web-1:
    interfaces:
      eni-web-1: {device: tap101i0, network: vpc-shop, mac: "02:00:00:00:01:01", addresses: [10.0.0.11, "2001:db8::11"], groups: [sg-web]}
`;

const ssh = {
  direction: "ingress",
  policy: "accept",
  protocol: "tcp",
  portRange: "22/22",
  remote: "2001:db8::/32",
};
const sshLine =
  '{direction: ingress, policy: accept, protocol: tcp, portRange: 22/22, remote: "2001:db8::/32"}';

/** The text after some edits of one file. */
function edit(text: string, change: (editor: RulesEditor) => void): string {
  const editor = RulesEditor.open([{ path: "rules.yaml", text }], "rules.yaml");
  change(editor);
  const { files } = editor.finish();
  return files[0]?.text ?? "";
}

/** Lines that were taken out and put in. */
function lineChanges(before: string, after: string): { out: string[]; in: string[] } {
  const [old, now] = [before.split("\n"), after.split("\n")];
  return { out: old.filter((line) => !now.includes(line)), in: now.filter((line) => !old.includes(line)) };
}

function expectLegal(text: string): void {
  const { diagnostics } = parseModel([{ path: "rules.yaml", text }], { limits: defaultLimits });
  expect(diagnostics).toEqual([]);
}

describe("a new rule", () => {
  it("stands at the end of its group, in brackets where its neighbours do", () => {
    const after = edit(shop, (editor) => editor.addItem("groups", "sg-web", ["rules"], ssh));
    expect(lineChanges(shop, after)).toEqual({ out: [], in: [`      - ${sshLine}`] });
    expect(after).toContain(`# ticket 12\n      - ${sshLine}\n\n  sg-db:`);
    expectLegal(after);
  });

  it("has a line a key where its neighbours do, behind the comments that close the list", () => {
    const after = edit(shop, (editor) => editor.addItem("groups", "sg-db", ["rules"], ssh));
    expect(after).toContain(
      `      # - {commented: out}
      - direction: ingress
        policy: accept
        protocol: tcp
        portRange: 22/22
        remote: "2001:db8::/32"

# Machines`,
    );
    expect(lineChanges(shop, after).out).toEqual([]);
    expectLegal(after);
  });

  it("opens an empty list, and a missing one", () => {
    const text =
      "version: 1\ngroups:\n  sg-a:\n    type: basic\n    network: net\n    rules: [] # none yet\n  sg-b:\n    type: basic\n    network: net\n";
    const after = edit(text, (editor) => {
      editor.addItem("groups", "sg-a", ["rules"], ssh);
      editor.addItem("groups", "sg-b", ["rules"], ssh);
    });
    expect(after).toBe(
      `version: 1\ngroups:\n  sg-a:\n    type: basic\n    network: net\n    rules: # none yet\n      - ${sshLine}\n  sg-b:\n    type: basic\n    network: net\n    rules:\n      - ${sshLine}\n`,
    );
  });

  it("joins a list in brackets, over one line or several", () => {
    const one = "version: 1\ngroups: {sg-a: {type: basic, network: net, rules: [{protocol: gre}]}}\n";
    expect(edit(one, (editor) => editor.addItem("groups", "sg-a", ["rules"], { protocol: "tcp" }))).toBe(
      "version: 1\ngroups: {sg-a: {type: basic, network: net, rules: [{protocol: gre}, {protocol: tcp}]}}\n",
    );
    const several =
      "version: 1\ngroups:\n  sg-a:\n    rules: [\n      {protocol: gre}, # one, first\n      {protocol: udp} # two\n    ]\n";
    expect(edit(several, (editor) => editor.addItem("groups", "sg-a", ["rules"], { protocol: "tcp" }))).toBe(
      "version: 1\ngroups:\n  sg-a:\n    rules: [\n      {protocol: gre}, # one, first\n      {protocol: udp}, # two\n      {protocol: tcp}\n    ]\n",
    );
  });
});

describe("a rule that goes", () => {
  it("takes its line with it, and nothing else", () => {
    const after = edit(shop, (editor) => editor.deleteValue("groups", "sg-web", ["rules", 1]));
    expect(lineChanges(shop, after)).toEqual({
      out: [
        "      - {direction: ingress, policy: drop, protocol: all, portRange: -1/-1, remote: 198.51.100.0/24} # ticket 12",
      ],
      in: [],
    });
  });

  it("leaves an empty list behind, and the comments around it", () => {
    const after = edit(shop, (editor) => editor.deleteValue("groups", "sg-db", ["rules", 0]));
    expect(after).toContain("    rules: []\n      # - {commented: out}\n\n# Machines");
  });

  it("is the one that is meant, of two that say the same", () => {
    const text =
      "version: 1\ngroups:\n  sg-a:\n    rules:\n      - {protocol: gre} # first\n      - {protocol: gre} # second\n";
    const after = edit(text, (editor) => editor.deleteValue("groups", "sg-a", ["rules", 0]));
    expect(after).toBe("version: 1\ngroups:\n  sg-a:\n    rules:\n      - {protocol: gre} # second\n");
  });
});

describe("a value that changes", () => {
  it("keeps the quotes that it had, and the comment behind it", () => {
    const after = edit(shop, (editor) => {
      editor.setValue("groups", "sg-db", ["rules", 0, "remote"], "sg-app");
      editor.setValue("groups", "sg-db", ["rules", 0, "policy"], "drop");
    });
    expect(lineChanges(shop, after).in).toEqual([
      "        policy: drop # only for the web servers",
      "        remote: 'sg-app'",
    ]);
  });

  it("gets a new key where it usually stands", () => {
    const after = edit(shop, (editor) => {
      editor.setValue("groups", "sg-web", ["rules", 0, "sourcePortRange"], "1024/65535");
      editor.setValue("groups", "sg-db", ["rules", 0, "priority"], 5);
      editor.setValue("groups", "sg-db", ["description"], "the database: primary");
    });
    expect(lineChanges(shop, after).in).toEqual([
      "      - {direction: ingress, policy: accept, protocol: tcp, portRange: 80/80, sourcePortRange: 1024/65535, remote: 0.0.0.0/0, priority: 10}",
      '    description: "the database: primary"',
      "        priority: 5",
    ]);
    expect(after).toContain("portRange: 5432/5432\n        priority: 5\n        remote:");
    expect(after).toContain('  sg-db:\n    description: "the database: primary"\n    type: basic');
  });

  it("goes from the head of a list's item without the dash", () => {
    const after = edit(shop, (editor) => editor.deleteValue("groups", "sg-db", ["rules", 0, "direction"]));
    expect(after).toContain("      - policy: accept # only for the web servers\n        protocol: tcp");
  });
});

describe("an entry", () => {
  it("that is new stands at the end of its section, apart where the others are", () => {
    const after = edit(shop, (editor) =>
      editor.setEntry("groups", "sg-new", { type: "basic", network: "vpc-shop", rules: [ssh] }),
    );
    expect(after).toContain(
      `      # - {commented: out}\n\n  sg-new:\n    type: basic\n    network: vpc-shop\n    rules:\n      - direction: ingress\n`,
    );
    expect(lineChanges(shop, after).out).toEqual([]);
    expectLegal(after);
  });

  it("that is replaced keeps the text of what it said before", () => {
    const after = edit(shop, (editor) => {
      const entry = editor.entry("groups", "sg-web") as { rules: object[] };
      editor.setEntry("groups", "sg-web", {
        type: "basic",
        network: "vpc-shop",
        rules: [{ ...entry.rules[1] } as never, ssh],
      });
    });
    expect(lineChanges(shop, after)).toEqual({
      out: [
        "      - {direction: ingress, policy: accept, protocol: tcp, portRange: 80/80, remote: 0.0.0.0/0, priority: 10}",
      ],
      in: [`      - ${sshLine}`],
    });
    expect(after).toContain("      # HTTP\n");
  });

  it("that goes leaves an empty section when it was the last", () => {
    const text = "version: 1\ngroups:\n  sg-a: {type: basic, network: net}\n# the end\n";
    expect(edit(text, (editor) => editor.deleteEntry("groups", "sg-a"))).toBe(
      "version: 1\ngroups: {}\n# the end\n",
    );
    const filled = edit("version: 1\ngroups: {}\n# the end\n", (editor) =>
      editor.setEntry("groups", "sg-a", { type: "basic", network: "net" }),
    );
    expect(filled).toBe("version: 1\ngroups:\n  sg-a:\n    type: basic\n    network: net\n# the end\n");
  });

  it("goes beside others of its network when there are several files", () => {
    const editor = RulesEditor.open(
      [
        { path: "a.yaml", text: "version: 1\ngroups:\n  sg-a: {type: basic, network: n1}\n" },
        { path: "b.yaml", text: "version: 1\ngroups:\n  sg-b: {type: basic, network: n2}\n" },
      ],
      "b.yaml",
    );
    editor.setEntry("groups", "sg-c", { type: "basic", network: "n1" });
    editor.setEntry("prefixLists", "pl-x", { family: "ipv4", entries: [{ cidr: "10.0.0.0/8" }] });
    const { changes } = editor.finish();
    expect(changes.map(({ path, after }) => [path, after])).toEqual([
      [
        "a.yaml",
        "version: 1\ngroups:\n  sg-a: {type: basic, network: n1}\n  sg-c: {type: basic, network: n1}\n",
      ],
      [
        "b.yaml",
        "version: 1\nprefixLists:\n  pl-x:\n    family: ipv4\n    entries:\n      - {cidr: 10.0.0.0/8}\ngroups:\n  sg-b: {type: basic, network: n2}\n",
      ],
    ]);
  });

  it("makes a file where there is none", () => {
    const editor = RulesEditor.open([], "rules.yaml");
    editor.setEntry("networks", "vpc-a", { type: "vpc" });
    expect(editor.finish()).toEqual({
      files: [{ path: "rules.yaml", text: "version: 1\nnetworks:\n  vpc-a: {type: vpc}\n" }],
      changes: [{ path: "rules.yaml", before: "", after: "version: 1\nnetworks:\n  vpc-a: {type: vpc}\n" }],
    });
  });
});

describe("an alias", () => {
  const text = `version: 1
groups:
  sg-a:
    type: basic
    network: net
    rules: &web
      - {protocol: gre} # tunnel
      - {protocol: udp}
  sg-b:
    type: basic
    network: net
    rules: *web
  sg-c: {type: basic, network: net, rules: *web}
`;

  it("that is edited is written out, and the others stay", () => {
    const after = edit(text, (editor) => editor.addItem("groups", "sg-b", ["rules"], { protocol: "tcp" }));
    expect(lineChanges(text, after)).toEqual({
      out: ["    rules: *web"],
      in: ["    rules:", "      - {protocol: gre}", "      - {protocol: tcp}"],
    });
    expect(after).toContain("sg-c: {type: basic, network: net, rules: *web}");
  });

  it("keeps what it said when its anchor is edited or goes", () => {
    const changed = edit(text, (editor) => editor.deleteValue("groups", "sg-a", ["rules", 0]));
    expect(changed).toContain("    rules: &web\n      - {protocol: udp}\n  sg-b:");
    expect(changed).toContain("    rules:\n      - {protocol: gre}\n      - {protocol: udp}\n  sg-c");
    expect(changed).toContain("rules: [{protocol: gre}, {protocol: udp}]}");
    const gone = edit(text, (editor) => editor.deleteEntry("groups", "sg-a"));
    expect(gone).not.toContain("*web");
    expect(gone).toContain("    rules:\n      - {protocol: gre}\n      - {protocol: udp}\n  sg-c");
  });
});

describe("the bytes of a file", () => {
  it("stay as they are when nothing is meant to change", () => {
    for (const text of [
      shop,
      shop.replaceAll("\n", "\r\n"),
      `\uFEFF${shop}`,
      shop.trimEnd(),
      "version: 1\ngroups: {  }\n",
    ]) {
      const unchanged = edit(text, (editor) => {
        for (const id of editor.ids("groups"))
          editor.setEntry("groups", id, editor.entry("groups", id) ?? null);
      });
      expect(unchanged).toBe(text);
    }
  });

  it("keep a byte order mark, CRLF, and a last line without an end", () => {
    const text = `\uFEFF${shop.trimEnd().replaceAll("\n", "\r\n")}`;
    const after = edit(text, (editor) => {
      editor.addItem("groups", "sg-db", ["rules"], ssh);
      editor.setEntry("instances", "i-2", {
        interfaces: {
          "eni-2": { device: "tap2", network: "vpc-shop", mac: "02:00:00:00:00:02", addresses: [] },
        },
      });
    });
    expect(after.replaceAll("\r\n", "")).not.toMatch(/[\r\n]/);
    expect(after.startsWith("\uFEFF# The shop")).toBe(true);
    expect(after).toMatch(
      /\r\n {2}i-2:\r\n {4}interfaces:\r\n {6}eni-2: \{device: tap2, .*addresses: \[\]\}$/,
    );
    expectLegal(after);
  });
});

describe("a layout that nobody writes", () => {
  const odd = [
    "version: 1\ngroups:\n  ? sg-a\n  : type: basic\n    rules: []\n  ? sg-b\n  : type: basic\n",
    "version: 1\ngroups:\n  sg-a:\n    rules:\n    - protocol: gre\n      tags:\n      - - a\n  sg-b: {type: basic}\n",
    'version: 1\ngroups: {"sg-a": {"rules":[{"protocol":"gre"}]},"sg-b":{"type":"basic"}}',
    "version: 1\ngroups:\n  sg-a: {rules: [{protocol: gre}\n      , {protocol: udp}\n      , {protocol: tcp}]}\n  sg-b: {type: basic}\n",
    "{version: 1,\n groups: {sg-a: {rules: [{protocol: gre}]}, sg-b: {type: basic,},}\n}\n",
    "version: 1\ngroups:\n  sg-a:\n    rules:\n      -\n        protocol: gre\n      -   protocol: udp\n          policy: drop\n  sg-b:\n    type: >-\n      basic\n\n# end",
  ];

  it.each(odd)("is changed as meant, or refused: %j", (text) => {
    const edits: readonly ((editor: RulesEditor) => void)[] = [
      (editor) => editor.deleteEntry("groups", "sg-b"),
      (editor) => editor.setEntry("groups", "sg-c", { type: "basic" }),
      (editor) => editor.addItem("groups", "sg-a", ["rules"], { protocol: "tcp" }),
      (editor) => editor.setValue("groups", "sg-b", ["type"], "advanced"),
    ];
    for (const change of edits) {
      const editor = RulesEditor.open([{ path: "odd.yaml", text }], "odd.yaml");
      const twin = RulesEditor.open([{ path: "odd.yaml", text }], "odd.yaml");
      change(editor);
      change(twin);
      const meant = editor.ids("groups").map((id) => [id, editor.entry("groups", id)]);
      let after: string;
      try {
        after = twin.finish().files[0]?.text ?? "";
      } catch (error) {
        expect(error).toBeInstanceOf(EditError);
        console.log(`refused: ${JSON.stringify(text)}`);
        continue;
      }
      const read = RulesEditor.open([{ path: "odd.yaml", text: after }], "odd.yaml");
      expect(read.ids("groups").map((id) => [id, read.entry("groups", id)])).toEqual(meant);
    }
  });
});
