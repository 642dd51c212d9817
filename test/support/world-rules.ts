/** Rules and prefixes of worlds: every feature, at few places, so that rules meet and bound each other. */
import type { RuleText } from "./bed.ts";
import type { Random } from "./random.ts";

/** Seconds of UTC around which rules of worlds expire. */
export const worldTime = 1_000_000_000;

export const worldLists = { 4: ["pl-4-0", "pl-4-1", "pl-4-2"], 6: ["pl-6-0", "pl-6-1", "pl-6-2"] } as const;

/** Far ends that nobody of a world holds, beside members: prefixes are cut around them. */
const anchors = {
  4: ["198.51.100.7", "198.51.100.128", "203.0.113.9", "0.0.0.0", "255.255.255.255", "128.0.0.0"],
  6: ["2001:db8:ffff::7", "2001:db8:8000::1", "fe80::1", "::", "8000::", "ff02::fb"],
} as const;

const lengths = {
  4: [0, 0, 1, 8, 15, 16, 23, 24, 24, 25, 28, 29, 30, 31, 32, 32, 32],
  6: [0, 0, 1, 10, 16, 31, 32, 33, 48, 63, 64, 64, 65, 96, 124, 126, 127, 128, 128, 128],
} as const;

/** The ports at which ranges begin and end. */
const ports = [1, 2, 21, 22, 23, 53, 79, 80, 81, 443, 1023, 1024, 1025, 32768, 40000, 65534, 65535];

/** Of a member, listed or made from its MAC, or an anchor. */
function worldAddress(random: Random, family: 4 | 6): string {
  const host = random.between(8, 41);
  if (random.once(3)) return random.pick(anchors[family]);
  if (family === 4) return `10.0.${random.once(6) ? random.pick([1, 5, 9]) : 0}.${host}`;
  const last = host.toString(16);
  return random.once(4) ? `fe80::ff:fe00:2${last.padStart(2, "0")}` : `2001:db8::${last}`;
}

export function worldPrefix(random: Random, family: 4 | 6): string {
  return `${worldAddress(random, family)}/${random.pick(lengths[family])}`;
}

function worldRange(random: Random): string {
  const first = random.once(4) ? random.between(1, 65535) : random.pick(ports);
  const last = random.once(3) ? first : random.pick(ports);
  return `${Math.min(first, last)}/${Math.max(first, last)}`;
}

type Service = Pick<RuleText, "protocol" | "ports" | "sourcePorts" | "icmpType" | "icmpCode">;

function icmpService(random: Random, protocol: "icmp" | "icmpv6"): Service {
  const type = random.pick(protocol === "icmp" ? [0, 3, 8, 13, 255] : [1, 3, 128, 129, 255]);
  if (random.once(4)) return { protocol };
  return { protocol, icmpType: type, ...(random.once(2) ? { icmpCode: random.pick([0, 1, 4, 255]) } : {}) };
}

function portedService(random: Random): Service {
  return {
    protocol: random.pick(["tcp", "udp"]),
    ...(random.once(5) ? {} : { ports: worldRange(random) }),
    ...(random.once(4) ? { sourcePorts: worldRange(random) } : {}),
  };
}

function worldService(random: Random): Service {
  switch (random.below(10)) {
    case 0:
    case 1:
      return { protocol: "all" };
    case 2:
      return icmpService(random, random.pick(["icmp", "icmpv6"]));
    case 3:
      return { protocol: random.pick(["gre", 50, 112, 132, 255]) };
    default:
      return portedService(random);
  }
}

export interface RuleContext {
  readonly network: string;
  readonly advanced: boolean;
  /** Of its network. */
  readonly groups: readonly string[];
  readonly isDefault: boolean;
}

function familyOf(random: Random, protocol: RuleText["protocol"]): 4 | 6 {
  if (protocol === "icmp") return 4;
  return protocol === "icmpv6" ? 6 : random.pick([4, 6]);
}

function worldRemote(random: Random, family: 4 | 6, context: RuleContext): string {
  if (!context.advanced && random.once(4)) return random.pick(context.groups);
  return random.once(5) ? random.pick(worldLists[family]) : worldPrefix(random, family);
}

/** Small numbers meet often; 110 only where a template, or a default group, may use it. */
function rankOf(random: Random, { advanced, isDefault }: RuleContext): Partial<RuleText> {
  if (advanced) return { policy: "accept", priority: 1, template: random.once(8) };
  const policy = random.pick(["accept", "drop"] as const);
  if (isDefault || random.once(10)) return { policy, priority: 110, template: !isDefault };
  return { policy, priority: random.once(5) ? random.pick([50, 99, 100]) : random.between(1, 4) };
}

const expiries = [-1, 0, 1, 40, 41, 3600].map((seconds) => worldTime + seconds);

/** A rule that may stand in a group of this network and type. */
export function worldRule(random: Random, context: RuleContext): RuleText {
  const service = worldService(random);
  const family = familyOf(random, service.protocol);
  return {
    direction: random.pick(["ingress", "egress"]),
    ...service,
    ...rankOf(random, context),
    remote: worldRemote(random, family, context),
    ...(random.once(6) ? { local: worldPrefix(random, family) } : {}),
    ...(random.once(6) ? { expires: random.pick(expiries) } : {}),
    nicType: context.network === "classic" && random.once(3) ? "internet" : "intranet",
  };
}
