/** A guest without any right still gets its lease and its neighbours: real exchanges over a bridge, DHCP to renewal. */
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { PacketCounter } from "../../src/kernel/status.ts";
import { objectPath, withBpffs } from "../kernel/host.ts";
import { bundleDriver, Driver } from "../kernel/namespace.ts";
import { addBridge, Links, type Place } from "./links.ts";

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

let links: Links;
let host: Place;
let guest: Place;
let bundle: ReturnType<typeof bundleDriver>;
let ends: Record<"client" | "server", Driver>;

beforeAll(async () => {
  links = new Links("lease");
  bundle = bundleDriver("lease");
  host = links.add("host");
  guest = links.add("guest");
  const far = links.add("far");
  addBridge(host, "br0");
  links.connect(
    { place: host, device: "tap1", bridge: "br0" },
    { place: guest, device: "eth0", mac: guestMac },
  );
  links.connect(
    { place: host, device: "up0", bridge: "br0" },
    { place: far, device: "eth0", mac: server.mac, addresses: [`${server.ipv4}/24`, `${server.ipv6}/64`] },
  );
  for (const place of [guest, far]) place.ip("route", "add", "255.255.255.255/32", "dev", "eth0");
  ends = { client: Driver.start(guest.name, program), server: Driver.start(far.name, program) };
  await ends.server.call("serve", { address: leased });
});
afterAll(async () => {
  for (const end of Object.values(ends)) await end.kill();
  links.remove();
  bundle.remove();
});

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

describe.each(["tc", "native", "generic"] as const)(
  "a guest that may send nothing, attached as %s",
  (attach) => {
    it("gets its lease, renews it, has its neighbours in both families, and nothing else", async () => {
      await withBpffs(async (root) => {
        const driver = Driver.start(host.name, bundle.path);
        try {
          await driver.call("open", { object: objectPath, root, settings: { attach }, interfaces: 16 });
          await driver.call("applyRules", rules);
          await live();
          const reasons = (await driver.call<PacketCounter[]>("counters"))
            .filter(({ direction, verdict }) => direction === "egress" && verdict === "accept")
            .map(({ reason }) => reason);
          expect(reasons.sort()).toEqual(["arp", "dhcp", "neighbour-discovery"]);
          await driver.call("close", { detach: true });
        } finally {
          await driver.kill();
        }
      });
    });
  },
);
