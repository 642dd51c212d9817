import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type DeviceFacts, readDeviceFacts, unknownFacts } from "../../../src/kernel/device-facts.ts";
import {
  cautionUplink,
  describeAbsence,
  findBypasses,
  judgeDevice,
} from "../../../src/kernel/device-kind.ts";
import type { LinkInfo } from "../../../src/kernel/native.ts";

const link = (name: string, kind: string, more: Partial<LinkInfo> = {}): LinkInfo => ({
  ifindex: 7,
  name,
  kind,
  mac: "02:00:00:00:00:01",
  mtu: 1500,
  up: true,
  master: 0,
  lower: 0,
  ethernet: true,
  loopback: false,
  xdp: 0,
  ...more,
});
const eth0 = link("eth0", "", { ifindex: 2 });
const judge = (own: LinkInfo, hardware: DeviceFacts["hardware"] = "software") =>
  judgeDevice(own, { hardware }, eth0);

describe("a device that an interface names", () => {
  it.each(["tun", "veth", ""])("is judged whole as %j", (kind) => {
    expect(judge(link("tap1", kind))).toEqual({ suits: true, caution: null });
    expect(judge(link("tap1", kind), "physical")).toEqual({ suits: true, caution: null });
  });

  it.each(["macvtap", "macvlan", "ipvlan", "ipvtap"])(
    "is no device of a guest as %s: refused, the way out named",
    (kind) => {
      const refused = judge(link("mv0", kind, { lower: 2 }));
      expect(refused).toMatchObject({ suits: false, isHosts: false });
      expect(JSON.stringify(refused)).toMatch(new RegExp(`mv0 is the guest's end of a ${kind} on eth0.*tap`));
    },
  );

  it.each(["bridge", "bond", "team", "openvswitch", "vrf"])(
    "is the host's own as %s: refused, and not set down",
    (kind) => {
      const refused = judge(link("br0", kind));
      expect(refused).toMatchObject({ suits: false, isHosts: true });
      expect(JSON.stringify(refused)).toContain(`br0 is a ${kind}`);
    },
  );

  it("is refused without Ethernet frames", () => {
    const refused = judge(link("tun0", "tun", { ethernet: false }));
    expect(JSON.stringify(refused)).toMatch(/tun0 carries no Ethernet frames.*mode tap/);
  });

  it("of a VLAN is judged, and what is not of it is said", () => {
    expect(judge(link("tap1.10", "vlan"))).toEqual({
      suits: true,
      caution: "only what is in the VLAN of tap1.10 is judged: frames that eth0 carries otherwise are not",
    });
  });

  it.each([
    ["virtual-function", /SR-IOV virtual function/],
    ["representor", /may switch flows by itself/],
  ] as const)("is refused as a %s", (hardware, says) => {
    const refused = judge(link("ens1f0v0", ""), hardware);
    expect(refused).toMatchObject({ suits: false, isHosts: false });
    expect(JSON.stringify(refused)).toMatch(says);
  });
});

describe("a device that is not there under its name", () => {
  const listed = [eth0, link("tap1", "tun"), link("br0", "bridge", { ifindex: 3 })];
  const absence = (device: string) =>
    describeAbsence(
      device,
      listed.find(({ name }) => name === device),
    );

  it("is none of this host's, as a guest's by vhost-user, which nothing here can judge", () => {
    expect(absence("vhu1")).toBe(
      "no device vhu1 on this host yet (a guest by vhost-user or SR-IOV has none, and cannot be judged)",
    );
    expect(absence("tap1")).toBeNull();
  });

  it("is the guest's that was renamed", () => {
    expect(describeAbsence("tap1", link("tap9", "tun"))).toBe("the device was renamed from tap1 to tap9");
  });
});

describe("what sysfs tells of a device", () => {
  let root: string;
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), "ringwall-sysfs-"));
  });
  afterEach(() => rmSync(root, { recursive: true, force: true }));

  /** A device as /sys/class/net has it; files of its `device` directory, null where it has none. */
  function plant(
    name: string,
    device: Readonly<Record<string, string>> | null,
    own: Readonly<Record<string, string>> = {},
  ): void {
    const at = join(root, name);
    mkdirSync(at);
    for (const [file, text] of Object.entries({ ifindex: "7", ...own }))
      writeFileSync(join(at, file), `${text}\n`);
    if (device === null) return;
    mkdirSync(join(at, "device"));
    for (const [file, text] of Object.entries(device)) writeFileSync(join(at, "device", file), `${text}\n`);
  }
  const read = (name: string, kind = "") => readDeviceFacts(link(name, kind), root);

  it("is a card, with the functions that are cut out of it", () => {
    plant("eth0", { sriov_totalvfs: "8", sriov_numvfs: "0" });
    plant("eth1", { sriov_totalvfs: "8", sriov_numvfs: "3" }, { phys_port_name: "p0" });
    expect(read("eth0")).toEqual({ hardware: "physical", virtualFunctions: 0 });
    expect(read("eth1")).toEqual({ hardware: "physical", virtualFunctions: 3 });
  });

  it("is a virtual function by the card that it is part of", () => {
    plant("eth0v1", {});
    symlinkSync("../eth0", join(root, "eth0v1", "device", "physfn"));
    // A link that leads nowhere is passed over by existsSync: the card's directory is there on a real host.
    mkdirSync(join(root, "eth0v1", "eth0"));
    expect(read("eth0v1").hardware).toBe("virtual-function");
  });

  it.each(["pf0vf3", "c1pf0vf12", "pf0sf88"])("is a representor by its port's name %s", (port) => {
    plant("eth0_3", {}, { phys_port_name: port });
    expect(read("eth0_3").hardware).toBe("representor");
  });

  it("is nothing for a device of another namespace, for software, and where nothing is listed", () => {
    plant("eth0", { sriov_numvfs: "3" }, { ifindex: "8" });
    plant("tap1", { sriov_numvfs: "3" });
    plant("dummy0", null);
    expect(read("eth0")).toEqual(unknownFacts);
    expect(read("tap1", "tun")).toEqual(unknownFacts);
    expect(read("dummy0")).toEqual(unknownFacts);
    expect(read("absent")).toEqual(unknownFacts);
  });
});

describe("devices past the hooks", () => {
  const factsOf = ({ name }: LinkInfo): DeviceFacts =>
    name === "eth1" ? { hardware: "physical", virtualFunctions: 4 } : unknownFacts;
  const links = [
    eth0,
    link("eth1", "", { ifindex: 3 }),
    link("macvtap0", "macvtap", { ifindex: 4, lower: 2 }),
    link("tap1", "tun", { ifindex: 5 }),
  ];

  it("are macvtaps and SR-IOV functions, each with the device that carries it", () => {
    expect(findBypasses(links, factsOf)).toEqual([
      { device: "eth1", text: "4 virtual functions of eth1 (SR-IOV)" },
      { device: "eth0", text: "macvtap0 (macvtap on eth0)" },
    ]);
    expect(findBypasses([eth0, link("tap1", "tun")], factsOf)).toEqual([]);
  });

  it("are said at the uplink that they share, and a bridge is no uplink", () => {
    const bypasses = findBypasses(links, factsOf);
    expect(cautionUplink(eth0, bypasses)).toBe(
      "what passes to and from macvtap0 (macvtap on eth0) is judged by nothing",
    );
    expect(cautionUplink(link("eth2", ""), bypasses)).toBeNull();
    expect(cautionUplink(link("br0", "bridge"), [])).toMatch(/br0 is a bridge: .* name the port/);
  });
});
