/**
 * A guest without any right still gets its lease, its neighbours and its multicast groups: real exchanges over a bridge,
 * DHCP to renewal, groups that a socket joins and the bridge learns.
 */
import { type ChildProcess, spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { KernelSettings } from "../../src/kernel/settings.ts";
import type { PacketCounter } from "../../src/kernel/status.ts";
import { objectPath, withBpffs } from "../kernel/host.ts";
import { bundleDriver, Driver } from "../kernel/namespace.ts";
import { makeFolder, removeFolder } from "./frame-pair.ts";
import { addBridge, Links, type Place, setUp, waitForCarriers } from "./links.ts";
import { buildWire, endProcess, makeTaps, startWire } from "./taps.ts";

const program = fileURLToPath(new URL("lease.mjs", import.meta.url));
const guestMac = "02:00:00:00:00:01";
const server = { ipv4: "10.0.0.254", ipv6: "fe80::fe", mac: "02:00:00:00:00:fe" };
const leased = "10.0.0.1";

const rules = `version: 1
networks: {vpc-a: {type: vpc, gateways: [${server.ipv4}, "${server.ipv6}"]}}
groups:
  sg-strict:
    type: basic
    network: vpc-a
    innerAccess: drop
    defaultEgress: drop
    rules:
      - {direction: egress, policy: drop, protocol: all, portRange: -1/-1, remote: 0.0.0.0/0}
      - {direction: egress, policy: drop, protocol: all, portRange: -1/-1, remote: "::/0"}
instances:
  i-1: {interfaces: {eni-1: {device: tap1, network: vpc-a, mac: "${guestMac}", addresses: [${leased}, "2001:db8::1"], groups: [sg-strict]}}}
`;

type Devices = "veth" | "tap";

let links: Links;
let host: Place;
let guest: Place;
let folder: string;
let wire: ChildProcess | null = null;
let bundle: ReturnType<typeof bundleDriver>;
let ends: Record<"client" | "server", Driver>;

async function build(devices: Devices): Promise<void> {
  links = new Links(`lease-${devices}`);
  bundle = bundleDriver(`lease-${devices}`);
  folder = makeFolder();
  host = links.add("host");
  guest = links.add("guest");
  const far = links.add("far");
  addBridge(host, "br0");
  const near = { place: host, device: "tap1", bridge: "br0" };
  const inside = { place: guest, device: "eth0", mac: guestMac };
  if (devices === "tap") {
    makeTaps(near, inside);
    for (const end of [near, inside]) setUp(end);
    wire = await startWire(buildWire(folder), [near, inside]);
  } else links.connect(near, inside);
  links.connect(
    { place: host, device: "up0", bridge: "br0" },
    { place: far, device: "eth0", mac: server.mac, addresses: [`${server.ipv4}/24`, `${server.ipv6}/64`] },
  );
  await waitForCarriers("eth0", guest, far);
  for (const place of [guest, far]) place.ip("route", "add", "255.255.255.255/32", "dev", "eth0");
  ends = { client: Driver.start(guest.name, program), server: Driver.start(far.name, program) };
  await ends.server.call("serve", { address: leased });
}

async function remove(): Promise<void> {
  for (const end of Object.values(ends ?? {})) await end.kill();
  if (wire !== null) await endProcess(wire);
  wire = null;
  links.remove();
  bundle.remove();
  removeFolder(folder);
}

/** One echo request; whether it was answered. */
function ping(address: string): boolean {
  const command = [`--net=${guest.path}`, "ping", "-n", "-c", "1", "-W", "0.5", address];
  return spawnSync("nsenter", command, { stdio: "ignore" }).status === 0;
}

const neighbours = (): string => guest.ip("neigh", "show", "dev", "eth0");

/** From nothing to a lease that is renewed, in both families; then what the guest may still not do. */
async function live(): Promise<void> {
  guest.ip("addr", "flush", "dev", "eth0", "scope", "global");
  guest.ip("neigh", "flush", "dev", "eth0");
  guest.ip("route", "replace", "255.255.255.255/32", "dev", "eth0");
  const lease = { address: leased, server: server.ipv4 };
  expect(await ends.client.call("lease", {})).toEqual(lease);
  guest.ip("addr", "add", `${leased}/24`, "dev", "eth0");
  expect(await ends.client.call("renew", { server: server.ipv4, address: leased })).toEqual(lease);
  expect(await ends.client.call("lease6", {})).toMatch(/^fe80:/);
  const answered = [server.ipv4, `${server.ipv6}%eth0`].map(ping);
  for (const address of [server.ipv4, server.ipv6])
    await expect.poll(neighbours).toMatch(new RegExp(`${address} lladdr ${server.mac}`));
  expect(answered).toEqual([false, false]);
}

/** Groups that nobody joined before, one of each family. */
let nextGroup = 1;
const newGroups = (): [string, string] => {
  const number = nextGroup++;
  return [`239.1.1.${number}`, `ff0e::1:${number}`];
};

/** Groups with a member behind the guest's device, as the bridge heard. */
const joined = (): string => host.run("bridge", ["mdb", "show", "dev", "br0"]);

const join = (groups: readonly string[]) => ends.client.call("join", { groups, address: leased });

async function withHost(
  settings: Partial<KernelSettings>,
  body: (driver: Driver) => Promise<void>,
): Promise<void> {
  await withBpffs(async (root) => {
    const driver = Driver.start(host.name, bundle.path);
    try {
      await driver.call("open", { object: objectPath, root, settings, interfaces: 16 });
      await driver.call("applyRules", rules);
      await body(driver);
      await driver.call("close", { detach: true });
    } finally {
      await driver.kill();
    }
  });
}

async function reasonsOf(driver: Driver, verdict: "accept" | "drop"): Promise<string[]> {
  return (await driver.call<PacketCounter[]>("counters"))
    .filter((one) => one.direction === "egress" && one.verdict === verdict)
    .map(({ reason }) => reason)
    .sort();
}

const modes = { veth: ["tc", "native", "generic"], tap: ["native", "tc"] } as const;

describe.each(["veth", "tap"] as const)("a guest behind a %s that may send nothing", (devices) => {
  beforeAll(() => build(devices));
  afterAll(remove);

  it.each(modes[devices])(
    "gets its lease, renews it, has its neighbours and its groups in both families, and nothing else (%s)",
    async (attach) => {
      await withHost({ attach }, async (driver) => {
        await live();
        const groups = newGroups();
        await join(groups);
        for (const group of groups) await expect.poll(joined).toContain(`port tap1 grp ${group} `);
        expect(await reasonsOf(driver, "accept")).toEqual(["arp", "dhcp", "neighbour-discovery"]);
      });
    },
  );

  it("control: joins no group where nothing of what always works may be sent", async () => {
    await withHost({ alwaysPerSecond: 0 }, async (driver) => {
      const groups = newGroups();
      await join(groups);
      // A report is sent twice at least; both families' are of one kind.
      const refused = async () =>
        (await driver.call<PacketCounter[]>("counters"))
          .filter(({ reason }) => reason === "rate-limit")
          .reduce((sum, { packets }) => sum + Number(packets), 0);
      await expect.poll(refused).toBeGreaterThanOrEqual(2);
      for (const group of groups) expect(joined()).not.toContain(`grp ${group} `);
      expect(await reasonsOf(driver, "accept")).toEqual([]);
    });
  });
});
