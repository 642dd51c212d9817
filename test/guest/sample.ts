/**
 * Runs in a guest kernel: a sample of what test/kernel tests at length on the running one. Each answer is a line
 * of JSON, {name, value}; kernels.test.ts knows what it has to be. Arguments: packets, and the driver's bundle
 * where a live device and the kernel's timers are to be tried.
 */
import { existsSync, readdirSync } from "node:fs";
import { release } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { CountersStruct, Limit, SessionKeyStruct, SessionStruct } from "../../src/kernel/layout.gen.ts";
import { indexKey } from "../../src/kernel/maps.ts";
import { type BpfMap, native } from "../../src/kernel/native.ts";
import { sizesFor } from "../../src/kernel/object-maps.ts";
import { OpeningTable } from "../../src/kernel/opening-table.ts";
import { SessionCounter } from "../../src/kernel/session-counter.ts";
import { createTable } from "../../src/kernel/sessions.ts";
import type { KernelStatus } from "../../src/kernel/status.ts";
import { Survey } from "../../src/kernel/survey.ts";
import { objectPath, withBpffs } from "../kernel/host.ts";
import { liveThrough, openKernel, type Tally } from "../kernel/lives.ts";
import { Bed, type Driver } from "../kernel/namespace.ts";

function say(name: string, value: unknown): void {
  process.stdout.write(`${JSON.stringify({ name, value })}\n`);
}

/** All programs through the verifier: how far it walks in each, and the bytes of machine code. */
function loadAll(): void {
  const object = native().BpfObject.load({ path: objectPath, maxEntries: sizesFor(1) });
  const sizes = object.programNames.map((name) => {
    const program = object.program(name);
    const { verifiedInstructions, jitedSize } = program;
    program.close();
    return { name, verifiedInstructions, jitedSize };
  });
  object.close();
  say("sizes", sizes);
}

/** What is counted where it lies: a session in one of two tables that are asked, and one counter. */
async function countAll(): Promise<void> {
  const object = native().BpfObject.load({ path: objectPath, maxEntries: sizesFor(2) });
  const map = (name: string) => object.map(name);
  const sessions = {
    opening: map("rw_opening"),
    answered: map("rw_answered"),
    established: map("rw_established"),
  };
  const table = createTable("rw_established", Limit.SESSION_TABLE_MIN);
  const opening = OpeningTable.createMap("rw_opening", Limit.SESSION_TABLE_MIN);
  table.set(new Uint8Array(SessionKeyStruct.SIZE), new Uint8Array(SessionStruct.SIZE));
  sessions.established.setInner(indexKey(1), table);
  sessions.opening.setInner(indexKey(1), opening);
  const counters = map("rw_counters");
  const cpus = native().possibleCpus();
  counters.set(indexKey(1), new Uint8Array(CountersStruct.SIZE * cpus).fill(1, 0, 8));
  const counter = await SessionCounter.load(objectPath, sessions);
  const survey = new Survey(objectPath, counters);
  const clock = { now: 5, hz: 250, timeouts: [10] };
  const asked = async (kind: "established" | "opening", map: BpfMap) =>
    (await counter.count(kind, [{ number: 1, map }], clock))?.map(({ present, alive }) => ({
      present,
      alive,
    }));
  say("counted", {
    established: await asked("established", table),
    opening: await asked("opening", opening),
    counters: survey.counters()?.length,
  });
  survey.close();
  counter.close();
  object.close();
}

/** Generated packets over changes of the model. */
async function askOracle(wanted: number): Promise<void> {
  const tally: Tally = { compared: 0, reached: new Map(), differences: [] };
  const kernel = await openKernel();
  try {
    for (let life = 0; tally.compared < wanted; life++) await liveThrough(kernel, life, tally, 150);
  } finally {
    kernel.run.close();
  }
  say("oracle", {
    compared: tally.compared,
    differences: tally.differences,
    reasons: [...tally.reached.keys()],
  });
}

async function settle(answer: () => Promise<string>, wanted: string, seconds: number): Promise<boolean> {
  const deadline = Date.now() + seconds * 1000;
  while (Date.now() < deadline) if ((await answer()) === wanted) return true;
  return false;
}

function rulesUntil(expires: Date): string {
  const until = expires.toISOString().replace(/\.\d+Z$/, "Z");
  return `version: 1
networks: {vpc-a: {type: vpc}}
groups:
  sg-web:
    type: basic
    network: vpc-a
    rules:
      - {direction: ingress, policy: accept, protocol: tcp, portRange: 80/80, remote: 0.0.0.0/0}
      - {direction: ingress, policy: accept, protocol: tcp, portRange: 81/81, remote: 0.0.0.0/0, expires: "${until}"}
instances:
  i-1: {interfaces: {eni-1: {host: here, device: tap1, network: vpc-a, mac: "02:00:00:00:00:01", addresses: [10.0.0.1], groups: [sg-web]}}}
`;
}

/** What a client finds at ports 80 and 81. */
async function connectBoth(driver: Driver): Promise<readonly string[]> {
  return [await connect(driver, 80), await connect(driver, 81)];
}

function connect(driver: Driver, port: number): Promise<string> {
  return driver.call<string>("connect", { host: "10.0.0.1", port });
}

async function useDevice(driver: Driver, root: string): Promise<void> {
  await driver.call("open", { object: objectPath, root, settings: "usual" });
  await driver.call("apply", "open80");
  const status = await driver.call<KernelStatus>("status");
  const [own] = status.interfaces;
  const pins = join(root, "links");
  const links = (existsSync(pins) ? readdirSync(pins) : []).map((pin) => pin.replace(/^\d+-/, ""));
  say("attached", {
    state: own?.state,
    mode: own?.mode,
    links: links.sort(),
    ports: await connectBoth(driver),
  });
  await runTimers(driver);
  await driver.call("close", { detach: true });
}

/** Seconds until what comes by itself; the next where this machine looked too late. */
const spans = [6, 30, 150];

async function runTimers(driver: Driver): Promise<void> {
  for (const seconds of spans) {
    const began = Date.now();
    await driver.call("applyFor", { model: "open81", seconds });
    const during = await connectBoth(driver);
    const isSeen = Date.now() - began < seconds * 1000;
    const back = await settle(() => connect(driver, 80), "open", 20 * seconds);
    const after = await connectBoth(driver);
    if (isSeen) say("confirm", { during, back, after, state: await driver.call("confirmation") });
    await driver.call("decide", "undo");
    await driver.call("forget");
    if (isSeen) break;
  }

  for (const seconds of spans) {
    const expires = new Date(Date.now() + seconds * 1000);
    await driver.call("applyRules", rulesUntil(expires));
    const early = await connectBoth(driver);
    const stillEarly = Date.now() < Math.floor(expires.getTime() / 1000) * 1000;
    await sleep(Math.max(0, expires.getTime() - Date.now()) + 1500);
    if (stillEarly || seconds === spans.at(-1))
      say("expires", { early, stillEarly, late: await connectBoth(driver) });
    if (stillEarly) break;
  }
}

/** The driver's bundle is made on the machine outside: its maker is slow under emulation. */
async function tryDevice(path: string): Promise<void> {
  const bed = new Bed("sample", { path, remove: () => undefined });
  try {
    bed.addGuest(1);
    await bed.listen(1, 80, 81);
    const driver = bed.start();
    await withBpffs((root) => useDevice(driver, root));
  } finally {
    bed.remove();
  }
}

const [packets = "", driverPath] = process.argv.slice(2);
say("release", release());
loadAll();
await countAll();
await askOracle(Number(packets));
if (driverPath !== undefined) await tryDevice(driverPath);
