import { expect, it } from "vitest";
import { createBench, leastEffort } from "./context.ts";
import { alwaysAvailable } from "./network/lanes.ts";
import { maskPorts } from "./network/write-ovs.ts";
import { measureNetwork } from "./network.ts";

const lanes = Object.fromEntries(
  Object.entries(alwaysAvailable).filter(([name]) =>
    ["no firewall", "look-ups without a verdict", "Ringwall, direct, tc", "nftables"].includes(name),
  ),
);

// Figures belong to `make bench`; here only that packets take the ways that the rows speak of, or it throws.
it("the bench measures small packets, floods and TCP in lanes that need no further package", async () => {
  const bench = createBench({ ringwall: "", varied: "", floor: "" }, leastEffort, () => undefined);
  const rows = await measureNetwork(bench, lanes);
  expect([...new Set(rows.map(({ name }) => name))]).toEqual([
    "small packets, one flow established: look-ups without a verdict / no firewall",
    "small packets, one flow established: Ringwall, direct, tc / no firewall",
    "small packets, every packet a new flow: look-ups without a verdict / no firewall",
    "small packets, every packet a new flow: Ringwall, direct, tc / no firewall",
    "TCP bulk / no firewall",
    "TCP request and response / no firewall",
    "TCP connections / no firewall",
    "TCP connections / nftables",
    "flood dropped at the uplink: Ringwall / nftables, netdev ingress",
    "flood dropped at the uplink: Ringwall / nftables, raw prerouting",
    "flood dropped at the uplink: a drop without a verdict / nftables, netdev ingress",
    "flood dropped at the uplink: a drop without a verdict / nftables, raw prerouting",
  ]);
  expect(rows.filter(({ value }) => !(value > 0))).toEqual([]);
}, 120_000);

it("a range of ports is the values under its masks", () => {
  expect(maskPorts(80, 80)).toEqual(["80"]);
  expect(maskPorts(1000, 1007)).toEqual(["0x3e8/0xfff8"]);
  expect(maskPorts(1, 6)).toEqual(["1", "0x2/0xfffe", "0x4/0xfffe", "6"]);
  expect(maskPorts(0, 65535)).toEqual(["0x0/0x0"]);
});
