/** Fragments through the firewall on real devices: those that a stack makes, and those that only raw sockets send. */
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { KernelStatus, PacketCounter, Session } from "../../src/kernel/status.ts";
import { objectPath, withBpffs } from "../kernel/host.ts";
import { bundleDriver, Driver } from "../kernel/namespace.ts";
import { isDirect } from "../support/forwarding.ts";
import {
  addresses,
  type Family,
  first,
  type Guest,
  later,
  macs,
  makeLast,
  open,
  openTcp,
  type Sequence,
  type Step,
  second,
  sequences,
  type Talk,
  tags,
} from "./fragments-frames.ts";
import { buildFrames, FramePair, makeFolder, removeFolder } from "./frame-pair.ts";
import { addBridge, Links, type Place } from "./links.ts";

const endProgram = fileURLToPath(new URL("end.mjs", import.meta.url));
const families = ["ipv4", "ipv6"] as const;
const real = {
  far: ["10.0.0.9", "2001:db8::9"],
  1: ["10.0.0.1", "2001:db8::1"],
  2: ["10.0.0.2", "2001:db8::2"],
};

const iface = (guest: Guest): string => {
  const listed = [...real[guest], ...families.map((family) => addresses[family][guest])];
  const list = listed.map((address) => `"${address}"`).join(", ");
  return `{device: tap${guest}, network: vpc-a, mac: "${macs[guest]}", addresses: [${list}], vlans: [${tags.listed}], groups: [sg-t]}`;
};
const ingress = (protocol: string, ports: string) =>
  ["0.0.0.0/0", "::/0"].map(
    (remote) =>
      `      - {direction: ingress, policy: accept, protocol: ${protocol}, portRange: ${ports}, remote: "${remote}"}\n`,
  );
const rules = `version: 1
networks: {vpc-a: {type: vpc}}
groups:
  sg-t:
    type: basic
    network: vpc-a
    innerAccess: drop
    rules:
${[...ingress("udp", `${open}/${open}`), ...ingress("tcp", `${openTcp}/${openTcp}`)].join("")}\
      - {direction: egress, policy: drop, protocol: udp, portRange: 9082/9082, remote: 0.0.0.0/0}
      - {direction: egress, policy: drop, protocol: udp, portRange: 9082/9082, remote: "::/0"}
instances:
  i-1: {interfaces: {eni-1: ${iface(1)}}}
  i-2: {interfaces: {eni-2: ${iface(2)}}}
`;

/** The smallest tables that a host of this many CPUs has. */
const sessions = { established: 1, answered: 1, opening: 1 };

let links: Links;
let host: Place;
let bundle: ReturnType<typeof bundleDriver>;
let folder: string;
let ends: Record<"far" | Guest, Driver>;
let pairs: Record<Guest, FramePair>;

/** far (eth0) - out, tap1, tap2 on a bridge - (eth0) guests. */
beforeAll(async () => {
  links = new Links("fragments");
  bundle = bundleDriver("fragments");
  folder = makeFolder();
  host = links.add("host");
  addBridge(host, "br0");
  const connect = (name: "far" | Guest, device: string): Place => {
    const place = links.add(`${name}`);
    const [ipv4, ipv6] = real[name];
    links.connect(
      { place: host, device, bridge: "br0" },
      { place, device: "eth0", mac: macs[name], addresses: [`${ipv4}/24`, `${ipv6}/64`] },
    );
    return place;
  };
  const places = { far: connect("far", "out"), 1: connect(1, "tap1"), 2: connect(2, "tap2") };
  const start = (place: Place) => Driver.start(place.name, endProgram);
  ends = { far: start(places.far), 1: start(places[1]), 2: start(places[2]) };
  for (const end of Object.values(ends)) await end.call("listen", { udp: [open, 9081, 9082] });
  const program = buildFrames(folder);
  const pair = (guest: Guest, firstTag: number) =>
    new FramePair(program, { far: places.far.path, guest: places[guest].path }, makeLast(guest), firstTag);
  pairs = { 1: pair(1, 1), 2: pair(2, 1_000_000) };
});

afterAll(async () => {
  for (const pair of Object.values(pairs)) pair.end();
  for (const end of Object.values(ends)) await end.kill();
  links.remove();
  bundle.remove();
  removeFolder(folder);
});

async function withDriver(attach: "native" | "tc", body: (driver: Driver) => Promise<void>): Promise<void> {
  await withBpffs(async (root) => {
    const driver = Driver.start(host.name, bundle.path);
    try {
      // What comes from the far end goes past the bridge by the uplink program.
      const uplinks = isDirect ? [{ device: "out", networks: null }] : [];
      const settings = { attach, sessions, uplinks };
      await driver.call("open", { object: objectPath, root, settings, interfaces: 16 });
      const { interfaces } = await driver.call<KernelStatus>("applyRules", rules);
      expect(interfaces.map(({ mode }) => mode)).toEqual([attach, attach]);
      await body(driver);
      await driver.call("close", { detach: true });
    } finally {
      await driver.kill();
    }
  });
}

/** Packets so far of a reason that reached guest 1. */
async function countReached(driver: Driver, reason: string): Promise<number> {
  const counters = await driver.call<PacketCounter[]>("counters");
  return counters
    .filter((one) => one.interface === "eni-1" && one.direction === "ingress" && one.reason === reason)
    .reduce((sum, { packets }) => sum + Number(packets), 0);
}

/** Frames that were dropped so far at guest 1. */
async function countRefused(driver: Driver, direction: string): Promise<number> {
  const counters = await driver.call<PacketCounter[]>("counters");
  return counters
    .filter((one) => one.interface === "eni-1" && one.direction === direction && one.verdict === "drop")
    .reduce((sum, { packets }) => sum + Number(packets), 0);
}

let nextId = 1;

/** The steps of a sequence in each family that has it, under identifications of their own. */
function stepsOf({ family, vlan, steps }: Sequence, direction: Talk["direction"]): Step[] {
  return families
    .filter((each) => family === undefined || each === family)
    .flatMap((each) => {
      const talk: Talk = { direction, family: each, guest: 1, id: nextId++ };
      return [...steps(vlan === undefined ? talk : { ...talk, vlan })];
    });
}

describe.each(["tc", "native"] as const)("guests attached as %s", (attach) => {
  it("exchange datagrams that their stacks cut, as the rules allow, in both families", async () => {
    await withDriver(attach, async (driver) => {
      const before = await countReached(driver, "session");
      const ask = (from: "far" | Guest, to: "far" | Guest, port: number) =>
        ends[from].call<boolean[]>(
          "exchange",
          real[to].map((address) => ({
            protocol: "udp",
            host: address,
            port,
            bytes: 20_000,
            due: port === open,
          })),
        );
      expect(await ask("far", 1, open)).toEqual([true, true]);
      expect(await ask(1, "far", open)).toEqual([true, true]);
      expect(await ask(1, 2, open)).toEqual([true, true]);
      expect(await ask("far", 1, 9081)).toEqual([false, false]);
      expect(await ask(1, "far", 9082)).toEqual([false, false]);
      // Answers of 14 fragments, twice in each family, all of them judged as one.
      expect((await countReached(driver, "session")) - before).toBeGreaterThanOrEqual(2 * 2 * 14);
    });
  });

  it("send and get later fragments as their first one was judged", async () => {
    await withDriver(attach, async (driver) => {
      for (const direction of ["ingress", "egress"] as const) {
        const before = await countRefused(driver, direction);
        const played = sequences.map((sequence) => ({ sequence, steps: stepsOf(sequence, direction) }));
        const heard = await pairs[1].pass(played.flatMap(({ steps }) => steps));
        let at = 0;
        for (const { sequence, steps } of played) {
          const found = heard.slice(at, at + steps.length);
          at += steps.length;
          expect([sequence.name, direction, ...found]).toEqual([
            sequence.name,
            direction,
            ...steps.map(({ passes }) => passes),
          ]);
        }
        const refused = played.flatMap(({ steps }) => steps.filter(({ passes }) => !passes)).length;
        expect((await countRefused(driver, direction)) - before).toBe(refused);
      }
    });
  });
});

describe("datagrams that are never finished", () => {
  const flood = 6000;

  it.each(families)(
    "fill their own interface's table to its bound, and nobody else's, %s",
    async (family) => {
      await withDriver("tc", async (driver) => {
        const [own, neighbour] = [talkOf(1, family), talkOf(2, family)];
        expect(await pairs[1].pass([first(own, open, true)])).toEqual([true]);
        expect(await pairs[2].pass([first(neighbour, open, true)])).toEqual([true]);
        const known = await readSessions(driver, "eni-2");
        expect(known.length).toBeGreaterThan(0);

        const firsts = Array.from({ length: flood }, (_, index) =>
          first({ ...own, id: 10_000 + index }, open, true),
        );
        await pairs[1].pass(firsts);
        await driver.call("sweep");
        const { interfaces } = await driver.call<KernelStatus>("status");
        const fills = interfaces.map((one) => one.tables.find(({ table }) => table === "opening"));
        const [mine, other] = fills;
        const limit = mine?.limit ?? 0;
        expect(flood).toBeGreaterThan(2 * limit);
        expect(mine?.entries).toBeGreaterThan(limit / 2);
        expect(mine?.entries).toBeLessThanOrEqual(limit);
        expect(other?.entries).toBeLessThan(10);

        expect(await readSessions(driver, "eni-2")).toEqual(expect.arrayContaining([...known]));
        expect(await pairs[2].pass([later(neighbour, second, true)])).toEqual([true]);
        // Control: the flood was enough to turn its own interface's table over.
        expect(await pairs[1].pass([later(own, second, false)])).toEqual([false]);
      });
    },
  );

  const talkOf = (guest: Guest, family: Family): Talk => ({
    direction: "ingress",
    family,
    guest,
    id: nextId++,
  });

  /** Ends and table of an interface's sessions. */
  async function readSessions(driver: Driver, id: string): Promise<readonly string[]> {
    const all = await driver.call<Session[]>("sessions");
    return all
      .filter((one) => one.interface === id)
      .map(({ table, local, remote, protocol, localPort, remotePort }) =>
        JSON.stringify([table, local, remote, protocol, localPort, remotePort]),
      );
  }
});
