/** docs/semantics.md, "Objects": ids and times of rules, and prefix lists. */
import { expect } from "vitest";
import { formatPrefix } from "../../src/model/cidr.ts";
import { compileAll } from "../../src/policy/compile.ts";
import { resolve } from "../../src/policy/resolve.ts";
import { does, firstRule, plays, refuses, refusesRule, type Sentences, takes, takesRule } from "./rows.ts";
import { modelOf, readRules, writeRules } from "./setting.ts";
import { change, into, out, syn, udp, wait } from "./steps.ts";
import { commandRows } from "./working.ts";

export const lifeRows: Sentences = {
  "`id` is stable: given": [
    takesRule("given, it is kept", { id: "r-ssh" }, (model) => expect(firstRule(model).id).toBe("r-ssh")),
    takesRule("left out, a file has none", {}, (model) => expect(firstRule(model).id).toBeNull()),
    commandRows.added,
    does("an id twice in one group is refused", () => {
      const rules = ["ingress accept tcp 80/80 any id=r-1", "ingress accept tcp 81/81 any id=r-1"];
      const { model, diagnostics } = readRules(writeRules({ rules }, { family: 4, start: 0 }));
      expect(model).toBeNull();
      expect(diagnostics.map(({ code }) => code)).toEqual(["duplicate-id"]);
    }),
    does("without one the place changes nothing of a policy; another content, or id, does", () => {
      const rules = ["ingress accept tcp 80/80 any", "ingress drop tcp 81/81 any"];
      expect(contentOf([...rules].reverse())).toEqual(contentOf(rules));
      expect(contentOf(rules.map((rule) => `${rule} description=moved`))).toEqual(contentOf(rules));
      expect(contentOf(rules.map((rule, index) => `${rule} id=r-${index}`))).not.toEqual(contentOf(rules));
      expect(contentOf(["ingress accept tcp 80/82 any", ...rules.slice(1)])).not.toEqual(contentOf(rules));
    }),
    plays(
      "a session that a rule allows goes on when the rule moves, and ends when it goes",
      {
        rules: ["ingress accept udp 53/53 any", "ingress accept udp 54/54 any"],
      },
      [
        into(udp("40000>53"), "accept rule new sg-t 0"),
        change({ rules: ["ingress accept udp 54/54 any", "ingress accept udp 53/53 any"] }),
        into(udp("40000>53"), "accept session established"),
        into(udp("40001>53"), "accept rule new sg-t 1"),
        change({ rules: ["ingress accept udp 54/54 any"] }),
        into(udp("40000>53"), "drop no-rule"),
      ],
    ),
  ],
  "(+) `expires`: a time (RFC 3339": [
    plays(
      "until then the rule matches, from then on not; the session that only it allows ends at its next packet",
      {
        rules: ["ingress accept udp 53/53 any expires=+60", "ingress accept udp 54/54 any"],
      },
      [
        into(udp("40000>53"), "accept rule new sg-t 0"),
        into(udp("40000>54"), "accept rule new sg-t 1"),
        out(udp("53>40000"), "accept session established"),
        out(udp("54>40000"), "accept session established"),
        wait(59),
        into(udp("40001>53"), "accept rule new sg-t 0"),
        into(udp("40000>53"), "accept session established"),
        wait(1),
        into(udp("40002>53"), "drop no-rule"),
        into(udp("40000>53"), "drop no-rule"),
        out(udp("53>40000"), "drop revoked"),
        into(udp("40000>54"), "accept session established"),
      ],
    ),
    plays(
      "a drop ends too, and what stood behind it comes into effect",
      {
        rules: ["egress drop tcp 80/80 any expires=+60"],
      },
      [
        out(syn(80), "drop rule"),
        wait(59),
        out(syn(80), "drop rule"),
        wait(1),
        out(syn(80), "accept default-egress new"),
      ],
    ),
    plays(
      "several times on one side, of rules with other priorities",
      {
        rules: [
          "ingress drop tcp 80/80 any expires=+10",
          "ingress accept tcp 80/80 any priority=2 expires=+20",
          "ingress drop tcp 80/80 any priority=3 expires=+30",
          "ingress accept tcp 80/80 any priority=4",
        ],
      },
      [
        into(syn(80, 1), "drop rule none sg-t 0"),
        wait(10),
        into(syn(80, 2), "accept rule new sg-t 1"),
        wait(10),
        into(syn(80, 3), "drop rule none sg-t 2"),
        wait(10),
        into(syn(80, 4), "accept rule new sg-t 3"),
      ],
    ),
    plays(
      "one that lies in the past never matches",
      { rules: ["ingress accept tcp 80/80 any expires=-60"] },
      [into(syn(80), "drop no-rule"), out(syn(80, 2), "accept default-egress new")],
    ),
    plays(
      "under `keep` its session runs on",
      { rules: ["ingress accept udp 53/53 any expires=+60"] },
      [
        into(udp("40000>53"), "accept rule new"),
        out(udp("53>40000"), "accept session established"),
        wait(61),
        into(udp("40000>53"), "accept session established"),
        into(udp("40001>53"), "drop no-rule"),
      ],
      { settings: { establishedSessions: "keep" } },
    ),
    plays(
      "a drop that expires lets the next rule decide, until that expires, too",
      {
        rules: [
          "ingress drop udp 53/53 any expires=+10",
          "ingress accept udp 53/53 any priority=2 expires=+20",
        ],
      },
      [
        into(udp("40000>53"), "drop rule none sg-t 0"),
        wait(10),
        into(udp("40000>53"), "accept rule new sg-t 1"),
        wait(10),
        into(udp("40000>53"), "drop no-rule"),
        out(udp("53>40000"), "drop revoked"),
      ],
    ),
    plays(
      "however many expire one after the other, each at its own time",
      {
        rules: Array.from(
          { length: 30 },
          (_, index) => `ingress accept tcp ${101 + index}/${101 + index} any expires=+${10 * (index + 1)}`,
        ),
      },
      [
        wait(109.9),
        into(syn(110), "drop no-rule"),
        into(syn(111), "accept rule new"),
        into(syn(130), "accept rule new"),
        wait(190),
        into(syn(129, 2), "drop no-rule"),
        into(syn(130, 2), "accept rule new"),
      ],
    ),
    takesRule("a time with a zone", { expires: "2031-12-31T20:00:00+02:00" }, (model) => {
      expect(firstRule(model).expires).toBe(Date.UTC(2031, 11, 31, 18) / 1000);
    }),
    refusesRule(
      "a time without one",
      { expires: "2031-12-31T18:00:00" },
      {
        code: "bad-time",
        says: /write `2031-12-31T18:00:00Z`/,
      },
    ),
    refusesRule(
      "a day that there is not",
      { expires: "2031-02-29T18:00:00Z" },
      {
        code: "bad-time",
        says: /no time that exists/,
      },
    ),
  ],
  "**Prefix list** `{id, name, family, entries": [
    does("every key is taken, an entry twice is legal", () => {
      const list = {
        name: "office",
        family: "ipv4",
        maxEntries: 10,
        entries: [{ cidr: "203.0.113.0/24", description: "HQ" }, { cidr: "203.0.113.0/24" }],
      };
      const { model, diagnostics } = readList(list);
      expect(diagnostics).toEqual([]);
      expect(model?.prefixLists.get("pl-a")).toMatchObject({
        id: "pl-a",
        name: "office",
        family: 4,
        maxEntries: 10,
      });
      expect(
        model?.prefixLists
          .get("pl-a")
          ?.entries.map(({ prefix, description }) => [formatPrefix(prefix), description]),
      ).toEqual([
        ["203.0.113.0/24", "HQ"],
        ["203.0.113.0/24", ""],
      ]);
    }),
    does("an entry of the other family is refused", () => {
      const { model, diagnostics } = readList({ family: "ipv4", entries: [{ cidr: "2001:db8::/32" }] });
      expect(model).toBeNull();
      expect(diagnostics.map(({ code }) => code)).toEqual(["bad-family"]);
    }),
    does("more entries than its maxEntries are refused", () => {
      const entries = [{ cidr: "10.0.0.0/8" }, { cidr: "11.0.0.0/8" }];
      const { model, diagnostics } = readList({ family: "ipv4", maxEntries: 1, entries });
      expect(model).toBeNull();
      expect(diagnostics.map(({ message }) => message)).toEqual([
        expect.stringMatching(/has 2 entries, its `maxEntries` is 1/),
      ]);
    }),
    plays(
      "an entry twice, and one in another, match once like others",
      {
        rules: ["ingress drop tcp 81/81 pl-a", "ingress accept tcp 80/81 pl-a priority=2"],
        lists: { "pl-a": ["peer", "peers", "peer"] },
      },
      [
        into(syn(80), "accept rule new sg-t 1"),
        into(syn(81), "drop rule none sg-t 0"),
        into(syn(80), "accept rule new sg-t 1", { from: "peer2" }),
        into(syn(80), "drop no-rule", { from: "far" }),
      ],
    ),
    takes("an id begins with pl-", { lists: { "pl-b": [] } }),
    refuses(
      "another id",
      { lists: { office: [] } },
      { code: "bad-id", says: /begins with `pl-`: write `pl-office`/ },
    ),
  ],
  "Changing it changes every rule that names it.": [
    plays("rules of two groups, accept and drop, at once", listed(["peer"]), [
      into(syn(80), "accept rule new sg-t 0"),
      into(syn(80), "drop no-rule", { from: "peer2" }),
      out(syn(25), "drop rule none sg-b 0", { on: "eni-2" }),
      out(syn(25), "accept default-egress new", { on: "eni-2", to: "peer2" }),
      change(listed(["peer2"])),
      into(syn(80, 2), "drop no-rule"),
      into(syn(80, 2), "accept rule new sg-t 0", { from: "peer2" }),
      out(syn(25, 2), "accept default-egress new", { on: "eni-2" }),
      out(syn(25, 2), "drop rule none sg-b 0", { on: "eni-2", to: "peer2" }),
    ]),
  ],
};

function contentOf(rules: readonly string[]) {
  const resolved = resolve(modelOf({ rules }, { family: 4, start: 0 }), { host: "here" });
  return [...compileAll(resolved).values()].map(({ content }) => content);
}

function listed(entries: readonly string[]) {
  return {
    rules: ["ingress accept tcp 80/80 pl-a"],
    groups: { "sg-b": { rules: ["egress drop tcp 25/25 pl-a"] } },
    mate: { groups: ["sg-b"] },
    lists: { "pl-a": entries },
  };
}

function readList(list: object) {
  const text = writeRules({ lists: { "pl-a": [] } }, { family: 4, start: 0 });
  return readRules(text.replace('"pl-a":{"family":"ipv4","entries":[]}', `"pl-a":${JSON.stringify(list)}`));
}
