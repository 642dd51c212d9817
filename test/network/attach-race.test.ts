/** Devices that appear under fire: what comes through before and after their programs stand. */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Host } from "../cli/host.ts";
import { addVeth } from "../support/veth.ts";
import { makeFolder, removeFolder } from "./frame-pair.ts";
import { Place } from "./links.ts";
import { buildWire, endProcess, startWire } from "./taps.ts";

const program = fileURLToPath(new URL("attach-race.mjs", import.meta.url));
const addon = fileURLToPath(new URL("../../build/ringwall.node", import.meta.url));
const most = Number(process.env.RINGWALL_DEVICES ?? 50);
/** Each tap has a process that carries for it: all of them in the torture only. */
const taps = process.env.RINGWALL_TORTURE === "all" ? most : Math.min(most, 10);
/** Beside them one that no rules name: what is sent there comes through. */
const unprotected = most + 1;
type Devices = "veth" | "tap";

interface Heard {
  /** Datagrams by guest. */
  readonly heard: Readonly<Record<string, number>>;
  /** From the device's event to its last program, ms. */
  readonly gaps: Readonly<Record<string, number>>;
  /** Datagrams by guest, sent when its programs already stood. */
  readonly late: Readonly<Record<string, number>>;
}

const mac = (guest: number) => `02:00:00:00:01:${guest.toString(16).padStart(2, "0")}`;

const upTo = (count: number) => Array.from({ length: count }, (_, index) => index + 1);

/** Guests that may send nothing. */
function rules(): string {
  const guests = upTo(most).map(
    (guest) =>
      `  i-${guest}: {interfaces: {eni-${guest}: {device: tap${guest}, network: vpc-a, mac: "${mac(guest)}", addresses: [10.1.${guest}.1], groups: [sg-t]}}}`,
  );
  return `version: 1
networks: {vpc-a: {type: vpc}}
groups:
  sg-t: {type: basic, network: vpc-a, innerAccess: drop, defaultEgress: drop, rules: []}
instances:
${guests.join("\n")}
`;
}

let host: Host;
let guests: string;
let folder: string;
let wireProgram: string;
const children: ChildProcess[] = [];
/** Of the taps that are there. */
const wires: ChildProcess[] = [];

function run(namespace: string, mode: string): ChildProcess {
  const argument = JSON.stringify({ count: unprotected, links: join(host.folder, "bpf", "links"), addon });
  const words = [`--net=/run/netns/${namespace}`, process.execPath, program, mode, argument];
  const child = spawn("nsenter", words, { stdio: ["pipe", "pipe", "inherit"] });
  children.push(child);
  return child;
}

async function readLine(child: ChildProcess): Promise<string> {
  const [bytes] = child.stdout === null ? [""] : await once(child.stdout, "data");
  return String(bytes);
}

async function makePair(guest: number, devices: Devices): Promise<void> {
  const [tap, eth] = [`tap${guest}`, `eth${guest}`];
  if (devices === "veth") {
    addVeth({ namespace: host.namespace, device: tap }, { namespace: guests, device: eth });
    return;
  }
  const near = { place: new Place(host.namespace), device: tap };
  wires.push(await startWire(wireProgram, [near, { place: new Place(guests), device: eth }]));
}

/** A pair whose guest's end is ready to send the moment that the host's is up. */
async function addDevice(guest: number, devices: Devices, isUp: boolean): Promise<void> {
  const [tap, eth] = [`tap${guest}`, `eth${guest}`];
  await makePair(guest, devices);
  const inside = [
    `link set ${eth} address ${mac(guest)} addrgenmode none up`,
    `addr add 10.1.${guest}.1/24 dev ${eth}`,
    `neigh replace 10.1.${guest}.254 lladdr 02:00:00:00:02:02 dev ${eth}`,
  ];
  execFileSync("ip", ["-n", guests, "-batch", "-"], { input: inside.join("\n") });
  const outside = [`link set ${tap} address 02:00:00:00:02:02`, `addr add 10.1.${guest}.254/24 dev ${tap}`];
  execFileSync("ip", ["-n", host.namespace, "-batch", "-"], { input: outside.join("\n") });
  if (isUp) raise(guest);
}

function raise(guest: number): void {
  execFileSync("ip", ["-n", host.namespace, "link", "set", `tap${guest}`, "up"]);
}

async function removeDevices(all: readonly number[], devices: Devices): Promise<void> {
  for (const wire of wires.splice(0)) await endProcess(wire);
  if (devices === "veth")
    for (const guest of [...all, unprotected])
      execFileSync("ip", ["-n", host.namespace, "link", "del", `tap${guest}`]);
  await expect.poll(countProtected).toBe(0);
}

beforeAll(async () => {
  folder = makeFolder();
  wireProgram = buildWire(folder);
  host = new Host(19477, { bridges: 0 });
  guests = `${host.namespace}-fire`;
  execFileSync("ip", ["netns", "add", guests]);
  host.writeRules(rules());
  host.writeConfig({ onFailure: "closed" });
  await host.startAgent();
  await readLine(run(guests, "fire"));
});

afterAll(async () => {
  for (const child of [...children, ...wires]) child.kill("SIGKILL");
  removeFolder(folder);
  await host?.remove();
  execFileSync("ip", ["netns", "del", guests]);
});

/** What came through while `work` was done, and until enough came through the device that nothing protects. */
async function hearWhile(work: () => Promise<void>): Promise<Heard> {
  const child = run(host.namespace, "hear");
  await readLine(child);
  const now = async () => {
    const said = readLine(child);
    child.stdin?.write("say\n");
    return JSON.parse(await said) as Heard;
  };
  await work();
  // Each round of the fire goes to all devices: the others were fired at as often.
  const already = (await now()).heard[unprotected] ?? 0;
  await expect.poll(async () => (await now()).heard[unprotected] ?? 0).toBeGreaterThan(already + 100);
  const heard = await now();
  child.kill("SIGKILL");
  return heard;
}

const sum = (counts: Readonly<Record<string, number>>, of: readonly number[]) =>
  of.reduce((total, guest) => total + (counts[guest] ?? 0), 0);

function describeGaps(gaps: Readonly<Record<string, number>>): string {
  const sorted = Object.values(gaps).sort((one, other) => one - other);
  const at = (share: number) =>
    sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]?.toFixed(1);
  return `${sorted.length} devices, from their creation to their programs: median ${at(0.5)} ms, p99 ${at(0.99)} ms, worst ${at(1)} ms`;
}

const countProtected = async () => {
  const { stdout } = await host.ringwall("status", "--json");
  const { interfaces } = JSON.parse(stdout) as { interfaces: { state: string }[] };
  return interfaces.filter(({ state }) => state === "enforcing").length;
};

describe.each([
  ["veth", most],
  ["tap", taps],
] as const)("%s devices that appear under fire, %d of them", (devices, count) => {
  const all = upTo(count);

  it("let nothing through from their attachment on, however early they are up", async () => {
    const { heard, gaps, late } = await hearWhile(async () => {
      await addDevice(unprotected, devices, true);
      for (const guest of all) await addDevice(guest, devices, true);
      await expect.poll(countProtected).toBe(count);
    });
    console.log(`${describeGaps(gaps)}; ${sum(heard, all)} datagrams came through before`);
    expect(Object.keys(gaps).length).toBeGreaterThanOrEqual(count);
    expect(sum(late, all)).toBe(0);
    await removeDevices(all, devices);
  });

  it("let nothing through at all where they are prepared before they are up", async () => {
    const { heard } = await hearWhile(async () => {
      await addDevice(unprotected, devices, false);
      for (const guest of all) await addDevice(guest, devices, false);
      await expect.poll(countProtected).toBe(count);
      for (const guest of [...all, unprotected]) raise(guest);
    });
    expect(sum(heard, all)).toBe(0);
    await removeDevices(all, devices);
  });
});
