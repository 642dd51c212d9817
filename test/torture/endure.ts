/** Faults one after the other: what each broke is gathered, so that one run tells of all. */
import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "vitest";
import { choosePoints } from "./points.ts";
import { type Call, describePoint, type Point, readLog } from "./tracer.ts";
import type { Victim } from "./victim.ts";

/** Of fewer points, all may miss: what a run calls differs a little from the one that was counted. */
const fewest = 10;

/** Throws what does not hold after a fault, and answers whether the fault met its call. */
export type Suffer = (point: Point, name: string) => Promise<boolean>;

/**
 * Faults at the system calls of the run that the log is of, each of which has to be suffered. More than so many
 * of a call have to be in it.
 */
export async function expectEndured(
  victim: Victim,
  [call, least]: readonly [Call, number],
  suffer: Suffer,
): Promise<void> {
  const { places } = readLog(victim.log);
  expect(places.get(call)?.length ?? 0).toBeGreaterThan(least);
  const { points, said } = choosePoints(places);
  console.log(said);
  const broken: string[] = [];
  const missed: string[] = [];
  let hits = 0;
  // Said at once, too: a run of hours may be ended before it is over.
  const note = (text: string) => {
    console.log(text);
    broken.push(text);
  };
  const seen: Seen = { passed: 0, isLost: false };
  for (const point of points) {
    const name = describePoint(point);
    try {
      if (await suffer(point, name)) hits++;
      else missed.push(name);
    } catch (error) {
      note(`${name}: ${error instanceof Error ? error.message : String(error)}`);
    }
    for (const harm of await lookAtFlows(victim, seen)) note(`${name}: ${harm}`);
  }
  console.log(`${hits} of ${points.length} faults met their call; not: ${missed.join(", ")}`);
  expect(broken).toEqual([]);
  // Whether enough faults met their call to say something.
  expect(points.length < fewest || hits > points.length / 4).toBe(true);
}

/** What was seen of the flows before. */
interface Seen {
  passed: number;
  isLost: boolean;
}

/** What became of the victim's flows since they were seen last, as sentences. */
async function lookAtFlows(victim: Victim, seen: Seen): Promise<string[]> {
  const harms: string[] = [];
  const { denied = 0 } = (await victim.countFlows()) ?? {};
  if (denied > seen.passed) harms.push(`${denied - seen.passed} passed that are denied`);
  seen.passed = denied;
  // One that was lost never is answered; those after it tell nothing of the next fault.
  if (seen.isLost || !(await losesDatagrams(victim))) return harms;
  seen.isLost = true;
  return [...harms, `a datagram of a flow was lost\n${await victim.losses()}`];
}

/** Looks for an answer until it is known not to come: a minute, as a server that has no CPU may need. */
const looks = 1200;

/** Whether one is not answered, however late. */
async function losesDatagrams(victim: Victim): Promise<boolean> {
  for (let look = 0; look < looks; look++) {
    if (((await victim.countFlows())?.udp.lost ?? 0) === 0) return false;
    await sleep(50);
  }
  return true;
}

/** Ends the victim's flows: none was lost, and nothing passed that was denied. Answers how often that was tried. */
export async function expectFlowsUnharmed(victim: Victim): Promise<number> {
  const flows = await victim.endFlows();
  console.log(JSON.stringify(flows));
  expect(flows.tcp).toMatchObject({ lost: 0, broken: 0 });
  expect(flows.udp).toMatchObject({ lost: 0, broken: 0 });
  expect(flows.denied).toBe(0);
  return flows.attempts;
}
