/** What `plan` says of live sessions against what the shipped programs then do with them, packet by packet. */

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { planSessions } from "../../src/agent/plan-sessions.ts";
import { defaultSettings, type KernelSettings } from "../../src/kernel/settings.ts";
import type { PacketVerdict, Session } from "../../src/kernel/status.ts";
import { TestRun } from "../../src/kernel/testrun.ts";
import type { Direction, Interface, Model } from "../../src/model/model.ts";
import { compileAll } from "../../src/policy/compile.ts";
import { linkLocalOf } from "../../src/policy/identity.ts";
import { resolve } from "../../src/policy/resolve.ts";
import { createSessionJudge } from "../../src/policy/session-judge.ts";
import { arbitraryModel, pools } from "../support/arbitrary.ts";
import { address } from "../support/bed.ts";
import { Random } from "../support/random.ts";
import { seed } from "../support/seed.ts";
import { type SessionEnds, sessionFrame } from "../support/session-frames.ts";
import { drain } from "../unit/policy/diff/support.ts";
import { objectPath } from "./host.ts";

/** Seconds of UTC at which sessions open, and at which the change comes: rules expire at start + 40. */
const start = 1_000_000;
const changed = start + 50;
const sessionsWanted = 1000;

/** Unanswered sessions must still be alive when the change comes. */
const timeouts = { ...defaultSettings.timeouts, tcpOpening: 900, udpUnreplied: 900, icmp: 900, others: 900 };
const settings: KernelSettings = { ...defaultSettings, timeouts };

function enforceable(model: Model) {
  const resolved = resolve(model, { host: "here" });
  return { model, resolved, policies: compileAll(resolved) };
}
type Enforced = ReturnType<typeof enforceable>;

/** Two models with the same interfaces and places, under other rules, members and groups. */
function sampleModels(number: number): readonly [Enforced, Enforced] {
  const [models] = fc.sample(fc.tuple(arbitraryModel(start), arbitraryModel(start)), {
    seed: seed * 100 + number,
    numRuns: 1,
  });
  if (models === undefined) throw new Error("fast-check sampled nothing");
  const [before, other] = models;
  // Addresses stay, so that what was opened can go on; every third interface changes its groups.
  const interfaces = new Map(
    [...before.interfaces].map(([id, own], index): [string, Interface] => {
      const groups = index % 3 === 0 ? other.interfaces.get(id)?.groups : undefined;
      const legal = groups !== undefined && own.network !== "classic";
      return [id, legal ? { ...own, groups } : own];
    }),
  );
  return [enforceable(before), enforceable({ ...other, interfaces })];
}

const remotes = [
  ...pools.outside4,
  ...pools.outside6,
  "10.0.0.11",
  "10.0.0.12",
  "10.0.0.13",
  "2001:db8::12",
].map(address);

function arbitraryEnds(random: Random, own: Interface): SessionEnds | null {
  // What comes from its own address is spoofed, whatever the session says.
  const remote = random.pick(
    remotes.filter(
      (one) => !own.addresses.some(({ family, bits }) => family === one.family && bits === one.bits),
    ),
  );
  const listed = own.addresses.filter(({ family }) => family === remote.family);
  const locals = remote.family === 6 ? [...listed, linkLocalOf(own.mac)] : listed;
  if (locals.length === 0) return null;
  const protocol = random.pick([6, 6, 6, 6, 17, 17, 17, remote.family === 4 ? 1 : 58, 47, 132]);
  const isIcmp = protocol === 1 || protocol === 58;
  const hasPorts = protocol === 6 || protocol === 17;
  const port = () => (random.once(3) ? random.between(1, 65535) : random.pick([...pools.ports]));
  const identifier = random.between(1, 65535);
  return {
    origin: random.pick(["ingress", "egress"] as const),
    protocol,
    local: random.pick(locals),
    remote,
    localPort: isIcmp ? identifier : hasPorts ? port() : 0,
    remotePort: isIcmp ? identifier : hasPorts ? port() : 0,
  };
}

/** Opens sessions at every interface until there are enough, or rules let no more in; one in five TCP ones is picked up midstream. */
async function openSessions(
  run: TestRun,
  { resolved }: Enforced,
  random: Random,
): Promise<readonly Session[]> {
  const guests = resolved.interfaces.map((one) => one.interface);
  for (let turn = 0; turn < 15; turn++) {
    for (const own of guests) {
      for (const direction of ["ingress", "egress"] as const) {
        const frames = Array.from({ length: 100 }, () => arbitraryEnds(random, own))
          .filter((ends) => ends?.origin === direction)
          .flatMap((ends) =>
            ends === null ? [] : [sessionFrame(own, ends, direction, random.once(5) ? "A" : "S")],
          );
        if (frames.length > 0)
          run.run({ interface: own.id, direction, packets: frames, times: frames.map(() => start) });
      }
    }
    const sessions = await listSessions(run, resolved);
    if (sessions.length >= sessionsWanted) return sessions;
  }
  return [];
}

async function listSessions(run: TestRun, resolved: Enforced["resolved"]): Promise<readonly Session[]> {
  const lists = await Promise.all(resolved.interfaces.map((one) => run.sessions(one.interface.id)));
  return lists.flat();
}

/** A packet of each session in its original direction (or against it) after the change; true: it passed. */
function playOn(
  run: TestRun,
  after: Enforced,
  sessions: readonly Session[],
  along: boolean,
): readonly boolean[] {
  const passed = new Map<Session, boolean>();
  for (const { interface: own } of after.resolved.interfaces) {
    for (const direction of ["ingress", "egress"] as const) {
      const concerned = sessions.filter(
        (session) => session.interface === own.id && (session.origin === direction) === along,
      );
      if (concerned.length === 0) continue;
      const verdicts = run.run({
        interface: own.id,
        direction,
        packets: concerned.map((session) => sessionFrame(own, session, direction, "A")),
        times: concerned.map(() => changed),
      });
      for (const [index, session] of concerned.entries())
        passed.set(session, passes(verdicts[index] ?? null, direction));
    }
  }
  return sessions.map((session) => passed.get(session) ?? false);
}

function passes(verdict: PacketVerdict | null, direction: Direction): boolean {
  if (verdict === null) throw new Error(`the kernel did not run a packet (${direction})`);
  return verdict.verdict === "accept";
}

/** False where the rules of this pair let too few sessions in. */
async function foretell(number: number, tally: Set<string>): Promise<boolean> {
  const [before, after] = sampleModels(number);
  const run = await TestRun.open({ object: objectPath, ...before, settings, sessions: 65_536 });
  try {
    const sessions = await openSessions(run, before, new Random(seed * 1000 + number));
    if (sessions.length === 0) return false;
    const judge = createSessionJudge(after, changed);
    const inForce = { ...before, files: [], digest: "", revision: 1, applied: "", notes: [] };
    const touched = new Set(before.resolved.interfaces.map((one) => one.interface.id));
    const planned = drain(
      planSessions({ sessions, judge, touched, inForce, established: "revalidate", most: sessions.length }),
    );
    await run.change(after.resolved, after.policies);
    const along = playOn(run, after, sessions, true);
    const against = playOn(run, after, sessions, false);
    const ended = sessions.filter((_, index) => along[index] === false && against[index] === false);
    const half = sessions.filter((_, index) => along[index] !== against[index]);
    expect(half, `pair ${number}: sessions that pass one way only`).toEqual([]);
    expect(planned.ends, `pair ${number}`).toBe(ended.length);
    for (const { interface: id } of before.resolved.interfaces) {
      const here = ended.filter((session) => session.interface === id.id).length;
      expect(planned.interfaces.find((one) => one.interface === id.id)?.ends ?? 0, `${number} ${id.id}`).toBe(
        here,
      );
    }
    const wrong = sessions.filter((session, index) => (judge(session) === null) !== (along[index] === true));
    expect(wrong, `pair ${number}`).toEqual([]);
    for (const session of sessions) {
      const end = judge(session);
      const proto = session.protocol;
      tally
        .add(`${end === null ? "goes on" : "ends"} ${session.remote.family} ${proto}`)
        .add(`ends: ${end?.reason}`);
    }
    return true;
  } finally {
    run.close();
  }
}

describe("a plan of 1,000 live sessions", () => {
  it(`names precisely those that pass no further packet, per interface (seed ${seed})`, async () => {
    const tally = new Set<string>();
    let done = 0;
    for (let number = 0; number < 20 && done < 6; number++) done += (await foretell(number, tally)) ? 1 : 0;
    expect(done).toBe(6);
    const both = (what: string) => [`goes on ${what}`, `ends ${what}`];
    const wanted = ["4 6", "4 17", "4 1", "6 6", "6 17", "6 58", "4 47", "6 132"].flatMap(both);
    const reasons = ["ends: rule", "ends: no-rule", "ends: default-drop"];
    expect([...wanted, ...reasons].filter((one) => !tally.has(one))).toEqual([]);
  });
});
