/** Rows of the packet that opens a session, and of the one that is denied, as rules grow. */

import { Random } from "../support/random.ts";
import type { Bench } from "./context.ts";
import { type Flows, type IpFamily, ipFamilies, portsMax } from "./flows.ts";
import { GuestBed } from "./guest-bed.ts";
import { makeLane, makeRow, type Row, ratiosOf } from "./row.ts";
import { addressOf, buildRuled, macOf, matchesOf, peerOf, type Ruled } from "./worlds.ts";

const counts = [1, 10, 100, 1000, 4000] as const;
/** The count that the others are compared with. */
const base = 10;
const goals = { open: { sense: "at most", value: 1.5 }, deny: { sense: "at most", value: 1 } } as const;

interface Lane {
  readonly guest: Ruled;
  readonly open: Flows;
  readonly deny: Flows;
}

function shuffle<T>(list: readonly T[], random: Random): T[] {
  const keyed = list.map((one) => ({ one, key: random.below(2 ** 32) }));
  return keyed.sort((a, b) => a.key - b.key).map(({ one }) => one);
}

/** Each packet of another flow, and of another rule than the one before, in no order. */
function laneOf(guest: Ruled, packets: number, random: Random): Lane {
  const { family, rules, number } = guest;
  const from = {
    mac: macOf(number),
    local: addressOf(family, 1, number),
    interface: `eni-${number}`,
    table: 0,
  };
  const targets = shuffle(matchesOf(family, rules), random).map(({ remote, port, drops }) => {
    return { drops, target: { ...from, remote, remotePort: port } };
  });
  const accepted = targets.filter(({ drops }) => !drops).map(({ target }) => target);
  const dropped = targets.filter(({ drops }) => drops).map(({ target }) => target);
  // To a port that no rule names.
  const unmatched = Array.from({ length: Math.max(1, dropped.length) }, (_, index) => ({
    ...from,
    remote: peerOf(family, index),
    remotePort: 1999,
  }));
  const flowsOf = (list: Flows["targets"]): Flows => ({
    family,
    targets: list,
    localPorts: Math.min(portsMax, Math.ceil((2 * packets) / list.length) + 1),
  });
  return { guest, open: flowsOf(accepted), deny: flowsOf([...dropped, ...unmatched]) };
}

interface Times {
  readonly open: ReadonlyMap<number, readonly number[]>;
  readonly deny: ReadonlyMap<number, readonly number[]>;
  readonly insert: readonly number[];
}

async function timeFamily(
  bench: Bench,
  bed: GuestBed,
  lanes: readonly Lane[],
  packets: number,
): Promise<Times> {
  const [first] = lanes;
  if (first === undefined) throw new Error("no lanes");
  const timeLane = async (lane: Lane, kind: "open" | "deny") => {
    const flows = lane[kind];
    await bed.flush(flows);
    bed.use(flows);
    return kind === "open" ? bed.timeOpen(flows, packets) : bed.timeDeny(flows, packets);
  };
  const work = Object.fromEntries(
    lanes.flatMap((lane) =>
      (["open", "deny"] as const).map((kind) => [`${kind} ${lane.guest.rules}`, () => timeLane(lane, kind)]),
    ),
  );
  const samples = await bench.interleave<string>({
    ...work,
    insert: async () => {
      await bed.flush(first.open);
      return bed.timeInsert(first.open, packets);
    },
  });
  const pick = (kind: string) =>
    new Map(lanes.map(({ guest }) => [guest.rules, samples[`${kind} ${guest.rules}`] ?? []]));
  return { open: pick("open"), deny: pick("deny"), insert: samples.insert ?? [] };
}

function rowsOf(family: IpFamily, { open, deny, insert }: Times): Row[] {
  const fewest = open.get(base) ?? open.values().next().value ?? [];
  return [...open].flatMap(([rules, opened]) => {
    const denied = deny.get(rules) ?? [];
    const without = opened.map((time, index) => time - (insert[index] ?? Number.NaN));
    const peers = { Ringwall: makeLane(opened, "ns"), [`at ${base} rules`]: makeLane(fewest, "ns") };
    return [
      makeRow(`new session / at ${base} rules`, { family, rules }, ratiosOf(opened, fewest), {
        goal: goals.open,
        peers,
      }),
      makeRow(
        "denied packet / new session without its insert",
        { family, rules },
        ratiosOf(denied, without),
        {
          goal: goals.deny,
          peers: {
            Ringwall: makeLane(denied, "ns"),
            "new session": makeLane(opened, "ns"),
            "without its insert": makeLane(without, "ns"),
          },
        },
      ),
    ];
  });
}

export async function measureOpenings(bench: Bench): Promise<Row[]> {
  const packets = Math.min(30_000, bench.effort.repeat);
  const entries = packets * 2 + 1024;
  const sizes = { established: 1024, answered: 1024, opening: entries };
  const rules = counts.filter((count) => count <= bench.effort.rules);
  const guests = ipFamilies.flatMap((family, side) =>
    rules.map((count, index) => ({ family, rules: count, number: side * rules.length + index })),
  );
  const random = new Random(1);
  const bed = await GuestBed.open(bench.objects.varied, buildRuled(guests, sizes), sizes);
  try {
    const rows: Row[] = [];
    for (const family of ipFamilies) {
      bench.progress(`new sessions and denied packets, ${family}`);
      const lanes = guests
        .filter((guest) => guest.family === family)
        .map((guest) => laneOf(guest, packets, random));
      rows.push(...rowsOf(family, await timeFamily(bench, bed, lanes, packets)));
    }
    return rows;
  } finally {
    bed.close();
  }
}
