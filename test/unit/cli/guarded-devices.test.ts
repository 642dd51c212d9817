import { expect, it } from "vitest";
import { describeStatus } from "../../../src/cli/guarded-devices.ts";

it("doctor has a finding for each uplink, with what its problem says to do", () => {
  const uplink = { ifindex: 2, mode: "native", addresses: 1 };
  const problem = "eth1 takes VLAN tags off its frames (ethtool -K eth1 rxvlan off)";
  const uplinks = [
    { ...uplink, device: "eth0", problem: null },
    { ...uplink, device: "eth1", problem },
    { ...uplink, device: "eth2", mode: null, problem: null },
  ];
  expect(describeStatus({ interfaces: [], problems: [], uplinks }).slice(1)).toEqual([
    { name: "uplink eth0", result: "ok", text: "judged early, native", remedy: "" },
    { name: "uplink eth1", result: "advice", text: problem, remedy: "do what it says" },
    { name: "uplink eth2", result: "ok", text: "no program yet", remedy: "" },
  ]);
});
