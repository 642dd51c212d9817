import { describe, expect, it } from "vitest";
import { isPartial, isRefused } from "../../../src/interchange/finding.ts";
import { expandMacro, macroNames } from "../../../src/interchange/proxmox-macros.ts";
import { importFiles, modelOf } from "../../support/import-target.ts";

const guest = (rules: string, options = "enable: 1\n", rest = "") => ({
  name: "100.fw",
  text: `[OPTIONS]\n${options}${rest}\n[RULES]\n${rules}\n`,
});
const cluster = (text: string) => ({ name: "cluster.fw", text: `[OPTIONS]\nenable: 1\n${text}\n` });
const read = (rules: string, options?: string, target = {}) => importFiles([guest(rules, options)], target);
const rulesOf = (rules: string, options?: string) => read(rules, options).groups.get("sg-vm100")?.rules ?? [];
const loud = (findings: ReturnType<typeof read>["findings"]) =>
  findings.filter(({ effect }) => effect !== "note");

describe("a guest's firewall file", () => {
  it("is a basic group, closed between members and inward, open outward", () => {
    const group = modelOf(read("")).groups.get("sg-vm100");
    expect(group).toMatchObject({ type: "basic", innerAccess: "drop", defaultEgress: "accept", rules: [] });
  });

  it("brings the guest's policies along", () => {
    expect(
      rulesOf("IN DROP -p tcp -dport 22", "enable: 1\npolicy_in: ACCEPT\n").map(
        ({ policy, remote, priority }) => [policy, remote, priority],
      ),
    ).toEqual([
      ["drop", "0.0.0.0/0", 1],
      ["drop", "::/0", 1],
      ["accept", "0.0.0.0/0", 2],
      ["accept", "::/0", 2],
    ]);
    const strict = read("", "enable: 1\npolicy_out: REJECT\n");
    expect(strict.groups.get("sg-vm100")?.defaultEgress).toBe("drop");
    expect(strict.findings).toContainEqual(expect.objectContaining({ code: "reject", place: "100.fw:3" }));
  });

  it("says that a firewall is off, and what options no group has", () => {
    const { findings } = read("", "dhcp: 1\nipfilter: 1\nnonsense: 2\n");
    expect(findings.map(({ code }) => code)).toEqual([
      "renamed-id",
      "firewall-off",
      "source-option",
      "source-option",
      "unknown-key",
    ]);
    expect(loud(findings)).toEqual([]);
  });

  it("gives ascending priorities to runs of equal policy, each direction by itself", () => {
    const text = [
      "IN ACCEPT -p tcp -dport 1",
      "OUT DROP -p tcp",
      "IN ACCEPT -p tcp -dport 2",
      "IN DROP -p udp",
      "IN ACCEPT",
      "OUT ACCEPT",
    ].join("\n");
    const seen = rulesOf(text).filter(({ remote }) => remote === "0.0.0.0/0");
    expect(seen.map(({ direction, policy, priority }) => [direction, policy, priority])).toEqual([
      ["ingress", "accept", 1],
      ["ingress", "accept", 1],
      ["ingress", "drop", 2],
      ["ingress", "accept", 3],
      ["egress", "drop", 1],
      ["egress", "accept", 2],
    ]);
  });

  it("lets a drop and the accept behind it share a priority where there are too few, and refuses more", () => {
    const runs = (count: number): string =>
      Array.from(
        { length: count },
        (_, at) => `IN ${at % 2 === 0 ? "DROP" : "ACCEPT"} -p tcp -dport ${at + 1} -source 192.0.2.1`,
      ).join("\n");
    expect(rulesOf(runs(100)).at(-1)).toMatchObject({ priority: 100, policy: "accept" });
    expect(rulesOf(runs(200)).at(-1)).toMatchObject({ priority: 100, policy: "accept" });
    expect(rulesOf(runs(200)).slice(0, 3)).toMatchObject([
      { policy: "drop", priority: 1 },
      { policy: "accept", priority: 1 },
      { policy: "drop", priority: 2 },
    ]);
    expect(loud(read(runs(202)).findings)).toMatchObject([{ code: "too-many-runs", effect: "refused" }]);
  });

  it("passes over rules that are switched off, whatever is in them, and says so", () => {
    const { groups, findings } = read("|IN ACCEPT\n|IN nonsense\n|OUT DROP -p nonsense");
    expect(groups.get("sg-vm100")?.rules).toEqual([]);
    expect(findings.map(({ code }) => code)).toEqual(["renamed-id", "rule-off", "rule-off", "rule-off"]);
  });

  it.each([
    ["an unknown macro", "Foo(ACTION)", "unknown-name"],
    ["an unknown alias", "ACTION -source office", "unknown-name"],
    ["an unknown set", "ACTION -source +dc/office", "unknown-name"],
    ["one interface", "ACTION -i net0 -p tcp", "one-interface"],
    ["a service's name", "ACTION -p tcp -dport ssh", "bad-value"],
    ["ports without protocol", "ACTION -dport 80", "no-ports"],
    ["ports of another protocol", "ACTION -p sctp -dport 80", "no-ports"],
    ["an unknown protocol", "ACTION -p foo", "bad-value"],
    ["an unknown type", "ACTION -p icmp -icmp-type foo", "bad-value"],
    ["a type without ICMP", "ACTION -p tcp -icmp-type 8", "bad-value"],
    ["an unknown option", "ACTION -m state", "unknown-key"],
    ["an option twice", "ACTION -p tcp -p udp", "duplicate-key"],
    ["a word of the macro, contradicted", "SSH(ACTION) -dport 23", "bad-value"],
    ["a range that is none", "ACTION -source 10.0.0.9-10.0.0.1", "bad-value"],
  ])("leaves out an accept with %s, and refuses a drop and a reject with it", (_what, line, code) => {
    const accept = read(`IN ${line.replace("ACTION", "ACCEPT")}`);
    expect(loud(accept.findings)).toMatchObject([{ code, effect: "left-out", place: "100.fw:5" }]);
    expect(accept.groups.get("sg-vm100")?.rules).toEqual([]);
    for (const action of ["DROP", "REJECT"])
      expect(loud(read(`OUT ${line.replace("ACTION", action)}`).findings)).toMatchObject([
        { code, effect: "refused" },
      ]);
  });

  it("leaves out port 0 of an accept, and refuses a drop of it", () => {
    expect(loud(read("IN ACCEPT -p tcp -dport 0:80 -source 192.0.2.1").findings)).toMatchObject([
      { code: "port-zero", effect: "left-out" },
    ]);
    expect(loud(read("IN DROP -p tcp -dport 0:80").findings)).toMatchObject([
      { code: "port-zero", effect: "refused" },
    ]);
  });

  it("takes the rules of one interface where --device names it", () => {
    const text =
      "IN SSH(ACCEPT) -i net0 -source 192.0.2.1\nIN DROP -i net1\nIN HTTP(ACCEPT) -source 192.0.2.2";
    const { groups, findings } = read(text, undefined, { device: "net0" });
    expect(groups.get("sg-vm100")?.rules.map(({ portRange }) => portRange)).toEqual(["22/22", "80/80"]);
    expect(loud(findings)).toEqual([]);
    expect(findings).toContainEqual(expect.objectContaining({ code: "one-interface", place: "100.fw:6" }));
  });

  it("refuses host.fw, text before a section, unknown sections, two guests", () => {
    for (const files of [
      [{ name: "/etc/pve/nodes/a/host.fw", text: "[RULES]\n" }],
      [{ name: "100.fw", text: "IN ACCEPT\n[RULES]\n" }],
      [{ name: "100.fw", text: "[NONSENSE]\n" }],
      [guest(""), { ...guest(""), name: "101.fw" }],
    ])
      expect(isRefused(importFiles(files, {}, "proxmox").findings)).toBe(true);
  });
});

describe("the cluster's file", () => {
  it("stands in the guest's where GROUP names its groups, with the cluster's names", () => {
    const files = [
      cluster(
        "[ALIASES]\noffice 192.0.2.0/24\n[group web] # for all\nIN HTTP(ACCEPT) -source office\nIN DROP -p tcp",
      ),
      guest(
        "IN ACCEPT -source office\nGROUP web\nIN ACCEPT -source 192.0.2.9",
        undefined,
        "[ALIASES]\noffice 198.51.100.0/24\n",
      ),
    ];
    const { groups } = importFiles(files);
    const seen = groups.get("sg-vm100")?.rules ?? [];
    expect(seen.map(({ policy, remote, priority }) => `${priority} ${policy} ${remote}`)).toEqual([
      "1 accept 198.51.100.0/24",
      "1 accept 192.0.2.0/24",
      "2 drop 0.0.0.0/0",
      "2 drop ::/0",
      "3 accept 192.0.2.9/32",
    ]);
  });

  it("refuses a GROUP that is not there, for nobody knows what it drops", () => {
    expect(loud(read("GROUP web").findings)).toMatchObject([{ code: "unknown-name", effect: "refused" }]);
  });

  it("alone is a group for each of its own, closed where they say nothing; its host rules are named", () => {
    const { groups, findings } = importFiles([
      cluster("[RULES]\nIN SSH(ACCEPT)\n[group web]\nIN HTTP(ACCEPT) -source 192.0.2.1\n[group db]\n"),
    ]);
    expect([...groups.keys()]).toEqual(["sg-web", "sg-db"]);
    expect(groups.get("sg-web")).toMatchObject({
      innerAccess: "drop",
      defaultEgress: "drop",
      rules: [{ portRange: "80/80" }],
    });
    expect(findings.map(({ code }) => code)).toContain("other-scope");
    expect(findings.map(({ code }) => code)).toContain("source-default");
    expect(isPartial(findings)).toBe(false);
  });

  it("becomes prefix lists where rules name its sets: exceptions are exact, families apart, unused ones named", () => {
    const files = [
      cluster(
        "[IPSET mixed] # both\n10.0.0.0/30\n!10.0.0.1\n2001:db8::/32\n[IPSET empty]\n[IPSET unused]\n10.0.0.0/8",
      ),
      guest(
        "IN DROP -source +mixed\nIN DROP -source +dc/empty\nIN ACCEPT -source +guest/own",
        undefined,
        "[IPSET own]\n192.0.2.1\n",
      ),
    ];
    const { prefixLists, groups, findings } = importFiles(files);
    const entries = (id: string) =>
      prefixLists
        .get(id)
        ?.entries.map(({ cidr }) => cidr)
        .sort();
    expect([...prefixLists.keys()]).toEqual(["pl-mixed", "pl-mixed-v6", "pl-empty", "pl-vm100-own"]);
    expect(entries("pl-mixed")).toEqual(["10.0.0.0/32", "10.0.0.2/31"]);
    expect(entries("pl-mixed-v6")).toEqual(["2001:db8::/32"]);
    expect(entries("pl-empty")).toEqual([]);
    expect(groups.get("sg-vm100")?.rules.map(({ remote }) => remote)).toEqual([
      "pl-mixed",
      "pl-mixed-v6",
      "pl-empty",
      "pl-vm100-own",
    ]);
    expect(loud(findings)).toEqual([]);
    expect(modelOf(importFiles(files)).prefixLists.size).toBe(4);
  });

  it("refuses a set that says both of one address, and names that stand twice", () => {
    const both = [cluster("[IPSET x]\n10.0.0.0/24\n!10.0.0.0/24"), guest("IN DROP -source +x")];
    expect(isRefused(importFiles(both).findings)).toBe(true);
    for (const text of ["[IPSET x]\n[IPSET X]", "[group x]\n[group x]", "[ALIASES]\na 10.0.0.1\nA 10.0.0.2"])
      expect(importFiles([cluster(`${text}\n[group g]\n`)]).findings).toMatchObject([
        { code: "duplicate-key", effect: "refused" },
      ]);
  });
});

describe("the macros of pve-firewall", () => {
  it.each(macroNames.map((name) => [name]))(
    "%s is legal rules, for both families where it has both",
    (name) => {
      const imported = read(`IN ${name}(ACCEPT)\nOUT ${name.toUpperCase()}(DROP)`);
      expect(loud(imported.findings)).toEqual([]);
      const rules = modelOf(imported).groups.get("sg-vm100")?.rules ?? [];
      const services = expandMacro(name) ?? [];
      expect(rules.length).toBeGreaterThanOrEqual(2 * services.length);
      const families = new Set(
        rules.map(({ remote }) => (remote.kind === "prefix" ? remote.prefix.family : 0)),
      );
      const onlyIpv6 = name === "NeighborDiscovery" || name === "DHCPv6";
      expect([...families].sort()).toEqual(onlyIpv6 ? [6] : [4, 6]);
    },
  );

  it("are all that the manual lists", () => {
    const manual =
      "Amanda Auth BGP BitTorrent BitTorrent32 CVS Ceph Citrix DAAP DCC DHCPfwd DHCPv6 DNS Distcc FTP Finger GNUnet GRE Git HKP HTTP HTTPS HTTP/3 ICPV2 ICQ IMAP IMAPS IPIP IPsec IPsecah IPsecnat IRC Jetdirect L2TP LDAP LDAPS MDNS MSNP MSSQL Mail Munin MySQL NNTP NNTPS NTP NeighborDiscovery OSPF OpenVPN PBS PCA PMG POP3 POP3S PPtP Ping PostgreSQL Printer RDP RIP RNDC Razor Rdate Rsync SANE SMB SMBswat SMTP SMTPS SNMP SPAMD SPICEproxy SSH SVN SixXS Squid Submission Syslog TFTP Telnet Telnets Time Trcrt VNC VNCL Web Webcache Webmin Whois";
    expect([...macroNames].sort()).toEqual(manual.split(" ").sort());
  });
});
