/** The tiny universes: groups and ports, prefixes of both families, services, and modes of groups. */
import type { RuleText } from "./bed.ts";
import { ends, type Frame, type Universe } from "./universe.ts";
import type { WorldQuestion } from "./world-questions.ts";

type Fields = Partial<RuleText>;

/** Every choice of one from each list, put together. */
function product(...lists: readonly (readonly Fields[])[]): RuleText[] {
  const all = lists.reduce<readonly Fields[]>(
    (made, list) => made.flatMap((fields) => list.map((more) => ({ ...fields, ...more }))),
    [{ remote: "0.0.0.0/0" }],
  );
  return all.map((fields) => ({ remote: "0.0.0.0/0", ...fields }));
}

const policies: readonly Fields[] = [{ policy: "accept" }, { policy: "drop" }];
const priorities: readonly Fields[] = [{ priority: 1 }, { priority: 2 }];
const remotes = (...texts: readonly string[]): readonly Fields[] => texts.map((remote) => ({ remote }));
const plain: Frame = [{}, { innerAccess: "drop" }];

const [own, ...far] = ends[4];
const [own6, ...far6] = ends[6];
if (own === undefined || own6 === undefined) throw new Error("a universe has no interface to ask");

const tcp: Omit<WorldQuestion, "direction"> = {
  remote: own,
  local: own,
  protocol: 6,
  sourcePort: 1000,
  destinationPort: 80,
  icmpType: null,
  icmpCode: null,
  time: 100,
};

const groupsAndPorts: Universe = {
  name: "2 addresses, 2 groups, 2 ports",
  rules: product(
    remotes("10.0.0.2/32", "10.0.0.3/32", "sg-1", "sg-2", "0.0.0.0/0"),
    ["80/80", "81/81", "80/81"].map((ports) => ({ protocol: "tcp", ports })),
    policies,
    priorities,
  ),
  most: 3,
  questions: far.flatMap((remote) =>
    [79, 80, 81, 82].map((destinationPort) => ({ ...tcp, remote, destinationPort })),
  ),
  frames: [plain],
};

const prefixes: Universe = {
  name: "nested prefixes, near and far, both families",
  rules: product(
    [
      { remote: "10.0.0.2/32" },
      { remote: "10.0.0.2/31" },
      { remote: "0.0.0.0/0" },
      { remote: "2001:db8::2/127" },
      { remote: "::/0" },
      { remote: "10.0.0.2/31", local: "10.0.0.1/32" },
      { remote: "0.0.0.0/0", local: "10.0.0.0/31" },
      { remote: "::/0", local: "2001:db8::1/128" },
    ],
    policies,
    priorities,
  ),
  most: 3,
  questions: [
    ...far.flatMap((remote) => [own, ends[4][3] ?? own].map((local) => ({ ...tcp, remote, local }))),
    ...far6.flatMap((remote) => [own6, ends[6][3] ?? own6].map((local) => ({ ...tcp, remote, local }))),
  ],
  frames: [plain],
};

const icmp = { ...tcp, protocol: 1, sourcePort: null, destinationPort: null };

const services: Universe = {
  name: "services, source ports, ICMP types, times",
  rules: product(
    [
      { protocol: "all" },
      { protocol: "tcp", ports: "80/80" },
      { protocol: "tcp", sourcePorts: "1000/1000" },
      { protocol: "udp", ports: "80/81" },
      { protocol: "icmp", icmpType: 8 },
      { protocol: "icmp", icmpType: 8, icmpCode: 0 },
      { protocol: 50 },
      { protocol: "tcp", expires: 100 },
    ],
    policies,
    priorities,
  ),
  most: 3,
  questions: [
    tcp,
    { ...tcp, destinationPort: 81, time: 99 },
    { ...tcp, sourcePort: 1001, time: 99 },
    { ...tcp, protocol: 17 },
    { ...tcp, protocol: 17, destinationPort: 79 },
    ...[0, 1].map((icmpCode) => ({ ...icmp, icmpType: 8, icmpCode })),
    { ...icmp, icmpType: 9, icmpCode: 0 },
    { ...icmp, protocol: 50 },
    { ...icmp, protocol: 51 },
  ].map((question) => ({ ...question, remote: far[0] ?? own })),
  frames: [plain],
};

/** Both groups: enforced or observed, inner access and default egress accepted or dropped. */
function allFrames(): Frame[] {
  const choices = (["enforce", "observe"] as const).flatMap((mode) =>
    (["accept", "drop"] as const).flatMap((innerAccess) =>
      (["accept", "drop"] as const).map((defaultEgress) => ({ mode, innerAccess, defaultEgress })),
    ),
  );
  return choices.flatMap((first) => choices.map((second): Frame => [first, second]));
}

const modes: Universe = {
  name: "modes, inner access and default egress of both groups",
  // Each rule twice, side by side: once in each group.
  rules: product(remotes("10.0.0.2/32", "sg-2"), policies, priorities, [{}, {}]),
  most: 2,
  questions: far.map((remote) => ({ ...tcp, remote })),
  frames: allFrames(),
};

export const universes: readonly Universe[] = [groupsAndPorts, prefixes, services, modes];
