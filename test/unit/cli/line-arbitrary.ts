/** Command lines as hands and scripts write them: what commands take, what is nearly so, and what is none of it. */
import fc from "fast-check";

/** Rules in every way of writing them: anchors, flow and block, comments, a list of one, another host's interface. */
export const messyRules = `version: 1
networks: {vpc-a: {type: vpc, gateways: [10.0.0.1]}, old: {type: classic}, vpc-b: {type: vpc}}
prefixLists:
  pl-a:
    family: ipv4
    entries:
      - cidr: 203.0.113.0/24   # HQ
        description: "a: b # c"
      - {cidr: 203.0.113.0/24}
      - cidr: 192.0.2.1/32
  pl-6: {family: ipv6, entries: []}
groups:
  111122223333/sg-other: {type: basic, network: vpc-a, rules: []}
  sg-a:
    type: basic
    network: vpc-a
    tags: {country: "no", "a b": c}
    rules: &rules
    - {id: one, direction: ingress, policy: accept, protocol: tcp, portRange: 80/80, remote: 10.0.0.1/8, expires: "2031-12-31T20:00:00+02:00"}
    - direction: egress
      policy: drop
      protocol: icmp
      icmpType: 8
      icmpCode: 0
      remote: 0.0.0.0/0
      priority: 100
      # last
  sg-b: {type: basic, network: vpc-a, default: true, innerAccess: drop, mode: observe, rules: *rules}
  sg-adv: {type: enterprise, network: vpc-a, rules: [{direction: ingress, policy: accept, protocol: 132, remote: "2001:DB8::/32"}]}
  sg-old: {type: basic, network: old, rules: [{direction: ingress, policy: accept, protocol: all, remote: sg-old, nicType: internet}]}
instances:
  i-1:
    interfaces:
      eni-1: {device: tap1, network: vpc-a, mac: 02:00:00:00:01:01, addresses: [10.0.0.11, 2001:db8::11], groups: [sg-a, sg-b], allowedAddressPairs: [{address: 10.0.0.100}]}
      eni-2: {device: tap2, network: vpc-a, mac: "02:00:00:00:01:02", addresses: []}
  i-3: {interfaces: {eni-3: {host: [kvm-1, kvm-2], device: tap1, network: old, mac: "02:00:00:00:01:01", addresses: [10.0.0.11], groups: [sg-old], nicType: internet}}}
  i-4: {interfaces: {eni-4: {device: tap4, network: vpc-a, mac: "02:00:00:00:01:04", addresses: [10.0.0.14], groups: [sg-adv]}}}
`;

const groups = [
  "sg-a",
  "sg-a",
  "sg-b",
  "sg-b",
  "sg-adv",
  "sg-old",
  "sg-new",
  "111122223333/sg-other",
  "sg-wbe",
];
const networks = ["vpc-a", "vpc-b", "old", "nope"];
const lists = ["pl-a", "pl-a", "pl-6", "pl-new", "office"];
const interfaces = ["eni-1", "eni-2", "eni-4", "tap1", "tap4", "i-1", "10.0.0.14", "02:00:00:00:01:04"];
const prefixes = [
  "0.0.0.0/0",
  "::/0",
  "10.0.0.1/8",
  "198.51.100.7/32",
  "2001:DB8::/32",
  "10.0.0.0/33",
  "any",
];
const remotes = ["sg-a", "sg-b", "sg-old", "pl-a", "pl-6", ...prefixes];
const ports = ["80/80", "1/65535", "-1/-1", "80", "90/80", "443/443"];
const protocols = ["tcp", "udp", "icmp", "icmpv6", "all", "gre", "50", "6", "TCP", "256"];
const numbers = ["0", "1", "8", "100", "101", "255", "x"];
const times = ["2031-12-31T18:00:00Z", "2031-12-31T20:00:00+02:00", "tomorrow"];
const texts = [
  "x",
  "a: b # c",
  "'\"",
  "- [x]",
  "no",
  "~",
  " lead",
  "\u202eevil",
  "tab\there",
  "line\nbreak",
  "{",
  "𝒳",
];

type Words = readonly string[];
type Line = fc.Arbitrary<Words>;

const say = (...words: string[]): Line => fc.constant(words);
const one = (values: Words): Line => fc.constantFrom(...values).map((value) => [value]);
const some = (values: Words): Line => fc.array(fc.constantFrom(...values), { minLength: 1, maxLength: 3 });
const join = (...parts: Line[]): Line => fc.tuple(...parts).map((all) => all.flat());
/** So many times in seven. */
const option = (name: string, values: Words, times = 1): Line =>
  fc.oneof(
    { weight: 7 - times, arbitrary: say() },
    { weight: times, arbitrary: fc.constantFrom(...values).map((value) => [`--${name}=${value}`]) },
  );
const flag = (name: string): Line =>
  fc.oneof({ weight: 3, arbitrary: say() }, { weight: 1, arbitrary: say(`--${name}`) });

const fields = join(
  option("direction", ["ingress", "egress"]),
  option("policy", ["accept", "drop"]),
  option("protocol", protocols, 3),
  option("port", ports, 3),
  option("source-port", ports),
  option("icmp-type", numbers),
  fc.oneof(option("from", remotes, 7), option("to", remotes, 7), option("remote", remotes, 7)),
  option("local", prefixes),
  option("priority", numbers),
  option("nic-type", ["internet", "intranet"]),
  option("description", texts),
  option("expires", times),
);
/** A rule that may well be legal. */
const goodFields = join(
  fc.oneof(
    say("--port=80/80"),
    say("--protocol=all"),
    say("--protocol=udp", "--port=-1/-1"),
    say("--protocol=50"),
  ),
  fc.oneof(option("from", remotes.slice(0, 7), 7), option("to", remotes.slice(0, 7), 7)),
  option("policy", ["accept", "drop"]),
  option("priority", ["1", "100"]),
  option("nic-type", ["internet", "intranet"]),
  option("description", texts),
  option("expires", times.slice(0, 2)),
  option("source-port", ["1/1023", "-1/-1"]),
);
const newInterface = join(
  option("device", ["tap9", "tap1", "a/b"], 7),
  option("mac", ["02:00:00:00:09:09", "02:00:00:00:01:01", "x"], 7),
  option("network", ["vpc-a", "old"], 7),
  option("address", ["10.0.0.19", "10.0.0.19,2001:db8::19", "10.0.0.1", ","], 3),
  option("group", ["sg-a", "sg-a,sg-b", "sg-adv,sg-a", "sg-wbe"], 3),
  option("on-host", ["kvm-9", "a,b", "a,a"]),
  option("pair", ["10.0.0.100", "10.0.0.100=02:00:00:00:aa:bb", "x=y"]),
  option("vlan", ["100", "4096"]),
);
const ruleNames = ["one", "0", "1", "#1", "9"];

/** A legal rule that was not there. */
export const addingLine: Line = join(
  say("rule", "add"),
  one(["sg-a", "sg-b"]),
  fc.oneof(say("--protocol=all"), say("--protocol=udp", "--port=-1/-1"), say("--protocol=50")),
  option("from", ["10.0.0.1/8", "2001:DB8::/32", "sg-a", "pl-a", "pl-6"], 7),
  option("policy", ["accept", "drop"], 3),
  option("priority", ["1", "100"], 3),
  option("nic-type", ["intranet"], 3),
  option("description", texts.slice(0, 7), 3),
  option("expires", times.slice(0, 2), 3),
);

/** Lines that change rules. */
export const changingLine: Line = fc.oneof(
  {
    weight: 3,
    arbitrary: join(say("rule", "add"), one(groups), fields, option("id", ["one", "two", "bad id"])),
  },
  { weight: 5, arbitrary: join(say("rule", "add"), one(groups), goodFields) },
  {
    weight: 4,
    arbitrary: join(
      say("rule", "modify"),
      one(groups),
      one(ruleNames),
      fields,
      option("clear", ["expires", "priority,local", "prio"]),
    ),
  },
  { weight: 2, arbitrary: join(say("rule", "remove"), one(groups), some(ruleNames)) },
  { weight: 2, arbitrary: join(say("rule", "remove"), one(groups), goodFields, flag("all")) },
  join(
    say("group", "create"),
    one(groups),
    option("network", networks, 7),
    option("template", ["web-linux", "custom"]),
    option("name", texts),
    flag("default"),
    flag("web"),
  ),
  join(
    say("group", "clone"),
    one(groups),
    one(groups),
    option("network", networks),
    option("type", ["basic", "advanced"]),
  ),
  join(say("group", "delete"), one(groups)),
  join(say("group", "switch"), one(groups), one(groups)),
  join(
    say("group", "modify"),
    one(groups),
    option("description", texts, 3),
    option("inner-access", ["accept", "drop"]),
    flag("no-default"),
  ),
  join(say("group", "restore"), one(groups), option("from", groups, 7), flag("merge")),
  join(say("instance", "add"), one(["i-1", "i-9"]), one(["eni-9", "eni-1", "x y"]), newInterface),
  join(say("interface", "add"), one(["eni-9", "eni-1"]), option("instance", ["i-1", "i-9"], 7), newInterface),
  join(say("instance", "remove"), one(["i-1", "i-3", "i-9"])),
  join(say("interface", "remove"), one(interfaces)),
  join(say("join"), one(interfaces), some(groups)),
  join(say("leave"), one(interfaces), some(groups)),
  join(say("prefix-list", "create"), one(lists), some(prefixes), option("family", ["ipv4", "ipv6"])),
  join(say("prefix-list", "add"), one(lists), some(prefixes), option("description", texts)),
  join(say("prefix-list", "remove"), one(lists), some([...prefixes, "203.0.113.0/24", "192.0.2.1/32"])),
  join(say("prefix-list", "delete"), one(lists)),
);

/** Lines that print what there is. */
export const askingLine: Line = fc.oneof(
  join(say("rule", "list"), one(groups), option("direction", ["ingress", "egress"])),
  join(say("group", "list"), option("network", networks)),
  join(say("group", "show"), one(groups)),
  say("instance", "list"),
  join(say("interface", "list"), option("group", groups)),
  join(say("interface", "show"), one(interfaces), flag("effective")),
  join(say("prefix-list", "show"), one(lists)),
  say("lint"),
  join(say("reachability"), option("network", networks)),
);
