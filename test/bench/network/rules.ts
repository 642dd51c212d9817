/**
 * The rules that every lane of the network bench is given, in a shape of their own. Which of them a packet of the bench
 * matches: the last ones, and none else. So a firewall that goes through its rules one by one goes through all of them,
 * as it does before it refuses.
 */

export type Remote =
  | { readonly kind: "prefix"; readonly prefix: string }
  | { readonly kind: "group" | "list"; readonly id: string };

/** Lets in what a remote end sends to ports. */
export interface BenchRule {
  readonly protocol: "tcp" | "udp";
  readonly ports: readonly [first: number, last: number];
  readonly remote: Remote;
}

/** Addresses of other guests that are in a group, or prefixes of a prefix list. */
export interface AddressSet {
  readonly id: string;
  readonly kind: "group" | "list";
  readonly entries: readonly string[];
}

export interface RuleSet {
  readonly rules: readonly BenchRule[];
  readonly sets: readonly AddressSet[];
}

/** Ports that the last rules let in; the streams of frames.bpf.c go there, too. */
export const openPorts = [40_000, 40_255] as const;
export const openRemote = "10.0.0.0/24";

const setCount = 8;
const entriesOfSet = 50;

const range = (count: number) => Array.from({ length: count }, (_, index) => index);

const sets: readonly AddressSet[] = range(setCount).flatMap((set): AddressSet[] => [
  {
    id: `sg-${set}`,
    kind: "group",
    entries: range(entriesOfSet).map((entry) => `10.${1 + set}.0.${1 + entry}`),
  },
  {
    id: `pl-${set}`,
    kind: "list",
    entries: range(entriesOfSet).map((entry) => `172.${16 + set}.${entry}.0/24`),
  },
]);

/** As clouds have them: of ten rules four name a prefix, two let everybody in, two name a group, two a list. */
function remoteOf(index: number): Remote {
  const place = index % 10;
  const set = Math.floor(index / 10) % setCount;
  if (place < 4) return { kind: "prefix", prefix: `192.${1 + (index >> 8)}.${index & 255}.0/24` };
  if (place < 6) return { kind: "prefix", prefix: "0.0.0.0/0" };
  return place < 8 ? { kind: "group", id: `sg-${set}` } : { kind: "list", id: `pl-${set}` };
}

/** `count` rules, ten at least. */
export function buildRules(count: number): RuleSet {
  const others = range(count - 2).map((index): BenchRule => {
    const first = 1000 + 9 * index;
    return {
      protocol: index % 3 === 0 ? "udp" : "tcp",
      ports: [first, first + (index % 2 === 0 ? 0 : 7)],
      remote: remoteOf(index),
    };
  });
  const last = (["tcp", "udp"] as const).map(
    (protocol): BenchRule => ({
      protocol,
      ports: openPorts,
      remote: { kind: "prefix", prefix: openRemote },
    }),
  );
  return { rules: [...others, ...last], sets };
}
