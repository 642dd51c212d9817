/** One line of Proxmox VE's rules as the rules that say the same here: each of its ports with each of its ends. */
import type { Direction, Policy } from "../model/model.ts";
import { nearestWord } from "../model/nearest.ts";
import { quote } from "../model/text.ts";
import { Unsayable } from "./finding.ts";
import type { Importer, Spot } from "./importer.ts";
import { compact, type PlainRule } from "./plain.ts";
import type { RuleLine } from "./proxmox-file.ts";
import { expandMacro, type MacroService, macroNames, readIcmpType } from "./proxmox-macros.ts";
import type { End, Names } from "./proxmox-names.ts";
import { acceptPorts, dropPorts, familyOf, icmpNumber, nameProtocol, type Service } from "./service.ts";

/** A rule without its place in the order. */
export type Unranked = Omit<PlainRule, "priority">;

/** More rules from one line than a group may have. */
const rulesMax = 2000;

const protocols: Readonly<Record<string, number>> = {
  icmp: 1,
  igmp: 2,
  ipip: 4,
  ipencap: 4,
  tcp: 6,
  udp: 17,
  dccp: 33,
  ipv6: 41,
  gre: 47,
  esp: 50,
  ah: 51,
  icmpv6: 58,
  "ipv6-icmp": 58,
  "ipv6-nonxt": 59,
  ospf: 89,
  pim: 103,
  vrrp: 112,
  l2tp: 115,
  sctp: 132,
  udplite: 136,
};

/** `accept`, `drop`; a reject is a drop whose sender hears nothing. */
export function policyOf({ action }: RuleLine): Policy {
  return action === "accept" ? "accept" : "drop";
}

/** @throws Unsayable for what no rule here can say */
export function expandRule(
  importer: Importer,
  names: Names,
  rule: RuleLine,
  direction: Direction,
  spot: Spot,
): readonly Unranked[] {
  const policy = policyOf(rule);
  const description = importer.text(rule.comment, spot, "description");
  const source = rule.options.get("source");
  const dest = rule.options.get("dest");
  const [far, near] = direction === "ingress" ? [source, dest] : [dest, source];
  const remotes = far === undefined ? null : names.ends(far, spot);
  const locals = near === undefined ? null : names.localEnds(near, spot);
  const rules: Unranked[] = [];
  for (const { service, only } of readServices(importer, rule, policy, spot)) {
    for (const { remote, local } of pairEnds(remotes, locals, only)) {
      rules.push(compact<Unranked>({ direction, policy, ...service, remote, local, description }));
      if (rules.length > rulesMax)
        throw new Unsayable("bad-value", `the line is more than ${rulesMax} rules`);
    }
  }
  if (rules.length === 0) importer.note("matches-nothing", spot, "the line matches no packet");
  return rules;
}

const everywhere: readonly End[] = [
  { remote: "0.0.0.0/0", family: 4 },
  { remote: "::/0", family: 6 },
];

/** Far and near ends of one family, each with each. */
function* pairEnds(
  remotes: readonly End[] | null,
  locals: readonly End[] | null,
  only: 4 | 6 | null,
): Generator<{ readonly remote: string; readonly local: string | undefined }> {
  for (const { remote, family } of remotes ?? everywhere) {
    if (only !== null && family !== only) continue;
    if (locals === null) yield { remote, local: undefined };
    else for (const local of locals) if (local.family === family) yield { remote, local: local.remote };
  }
}

interface FamilyService {
  readonly service: Service;
  readonly only: 4 | 6 | null;
}

/** One at a time: lists of ports and of ends multiply. */
function* readServices(
  importer: Importer,
  rule: RuleLine,
  policy: Policy,
  spot: Spot,
): Generator<FamilyService> {
  for (const words of listServices(rule)) {
    const protocol = words.proto === null ? "all" : readProtocol(words.proto);
    const only = words.onlyIpv6 ? 6 : familyOf(protocol);
    if (protocol === "tcp" || protocol === "udp") {
      if (words.icmpType !== null)
        throw new Unsayable("bad-value", "`-icmp-type` without `-p icmp`", "-p icmp");
      const ports = readPorts(importer, words.dport, policy, spot);
      const sources = readPorts(importer, words.sport, policy, spot);
      for (const portRange of ports)
        for (const source of sources) {
          const sourcePortRange = source === "-1/-1" ? undefined : source;
          yield { service: compact<Service>({ protocol, portRange, sourcePortRange }), only };
        }
    } else yield { service: readPortless(protocol, words), only };
  }
}

/** A service without ports. @throws Unsayable where it has some all the same */
function readPortless(protocol: string | number, { proto, dport, sport, icmpType }: Words): Service {
  if (protocol === "icmp" || protocol === "icmpv6") {
    if (sport !== null) throw new Unsayable("no-ports", `\`-sport\` with ${protocol}`);
    return { protocol, ...readType(protocol, icmpType ?? dport) };
  }
  if (icmpType !== null) throw new Unsayable("bad-value", "`-icmp-type` without `-p icmp`", "-p icmp");
  if (dport !== null || sport !== null)
    throw new Unsayable("no-ports", `ports of ${proto === null ? "every protocol" : proto}`, "-p tcp or udp");
  return { protocol };
}

interface Words extends Omit<MacroService, "proto"> {
  readonly proto: string | null;
  readonly icmpType: string | null;
}

/** The rule's own words, or its macro's, which the rule may narrow and not contradict. */
function listServices({ macro, options }: RuleLine): readonly Words[] {
  const own = {
    proto: options.get("proto") ?? null,
    dport: options.get("dport") ?? null,
    sport: options.get("sport") ?? null,
  };
  const icmpType = options.get("icmp-type") ?? null;
  if (macro === null) return [{ ...own, icmpType, onlyIpv6: false }];
  const services = expandMacro(macro);
  if (services === undefined)
    throw new Unsayable("unknown-name", `there is no macro ${quote(macro)}`, nearestWord(macro, macroNames));
  return services.map((service) => {
    const merge = (key: "proto" | "dport" | "sport"): string | null => {
      const [said, given] = [service[key], own[key]];
      if (said !== null && given !== null && said !== given)
        throw new Unsayable(
          "bad-value",
          `\`-${key} ${given}\` beside ${macro}, which says ${said}`,
          "the line without its macro",
        );
      return said ?? given;
    };
    return {
      proto: merge("proto"),
      dport: merge("dport"),
      sport: merge("sport"),
      icmpType,
      onlyIpv6: service.onlyIpv6,
    };
  });
}

function readProtocol(text: string): string | number {
  const lower = text.toLowerCase();
  if (lower === "all") return "all";
  const number = /^\d{1,3}$/.test(lower)
    ? Number(lower)
    : Object.hasOwn(protocols, lower)
      ? protocols[lower]
      : undefined;
  if (number === undefined) throw new Unsayable("bad-value", `${quote(text)} is no protocol`, "its number");
  return nameProtocol(number);
}

function readType(protocol: "icmp" | "icmpv6", text: string | null): Partial<Service> {
  if (text === null) return {};
  const found = readIcmpType(protocol, text);
  if (found === undefined)
    throw new Unsayable("bad-value", `${quote(text)} is no type of ${protocol}`, "its number");
  if (found === null) return {};
  const icmpType = icmpNumber(found.icmpType, "type");
  return found.icmpCode === undefined
    ? { icmpType }
    : { icmpType, icmpCode: icmpNumber(found.icmpCode, "code") };
}

/** `80`, `80,443`, `1000:2000`, and lists of them; null: every port. */
function readPorts(importer: Importer, text: string | null, policy: Policy, spot: Spot): readonly string[] {
  if (text === null) return ["-1/-1"];
  return text.split(",").map((part) => {
    const found = /^(\d{1,5})(?::(\d{1,5}))?$/.exec(part);
    if (found === null)
      throw new Unsayable("bad-value", `${quote(part)} is no port; names depend on the host`, "its number");
    const first = Number(found[1]);
    const last = Number(found[2] ?? found[1]);
    return policy === "accept" ? acceptPorts(importer, spot, first, last) : dropPorts(first, last);
  });
}
