import { describe, expect, it } from "vitest";
import type { LinkInfo } from "../../../src/kernel/native.ts";
import { type SetDownDevice, SetDownDevices, type SetDownStore } from "../../../src/kernel/set-down.ts";

const tap: LinkInfo = {
  ifindex: 7,
  name: "tap1",
  mac: "02:00:00:00:01:01",
  mtu: 1500,
  up: true,
  kind: "tun",
  master: 0,
  lower: 0,
  ethernet: true,
  loopback: false,
  xdp: 0,
};
const known = { ifindex: 7, name: "tap1", mac: "02:00:00:00:01:01" };

/** A host with the device 7, what an agent keeps there, and what was done in which order. */
class Host implements SetDownStore {
  isUp = true;
  kept: readonly SetDownDevice[];
  isFull = false;
  readonly steps: string[] = [];

  constructor(kept: readonly SetDownDevice[] = []) {
    this.kept = kept;
  }

  read = () => this.kept;

  write(devices: readonly SetDownDevice[]): void {
    if (this.isFull) throw new Error("no space left on device");
    this.kept = devices;
    this.steps.push(`keep ${devices.map(({ name }) => name).join(" ")}`.trim());
  }

  setLinkUp = (ifindex: number, up: boolean): boolean => {
    if (ifindex !== tap.ifindex) throw new Error("no such device");
    const changed = this.isUp !== up;
    this.isUp = up;
    this.steps.push(up ? "up" : "down");
    return changed;
  };

  /** A new agent on it, which sees these devices. */
  start(...links: LinkInfo[]): SetDownDevices {
    const devices = new SetDownDevices(this, this.setLinkUp);
    devices.follow(new Map(links.map((link) => [link.ifindex, link])));
    return devices;
  }
}

describe("a device that is set down", () => {
  it("is kept before it goes down, and until it is up", () => {
    const host = new Host();
    const devices = host.start(tap);
    expect(devices.lower(tap)).toEqual({ isDown: true, said: "the device was set down (onFailure: closed)" });
    // What fails again is down already.
    devices.lower({ ...tap, up: false });
    devices.raise(tap.ifindex);
    expect(host.steps).toEqual(["keep tap1", "down", "down", "up", "keep"]);
  });

  it("is left down by the one who protects it, where it was down before", () => {
    for (const up of [false, true]) {
      const host = new Host();
      host.isUp = false;
      const devices = host.start(tap);
      // The list of devices may be older than what somebody did.
      devices.lower({ ...tap, up });
      devices.raise(tap.ifindex);
      expect(host.isUp).toBe(false);
      expect(host.kept).toEqual([]);
    }
  });

  it("is kept where it came up unseen", () => {
    const host = new Host();
    host.start(tap).lower({ ...tap, up: false });
    expect(host.kept).toEqual([known]);
  });

  it("is nobody's to set up where it could not be set down", () => {
    const host = new Host();
    const gone = { ...tap, ifindex: 8 };
    expect(host.start(gone).lower(gone)).toEqual({
      isDown: false,
      said: "and the device could not be set down: no such device",
    });
    expect(host.kept).toEqual([]);
  });

  it("is down, and up again, where it cannot be kept, which is said and tried again", () => {
    const host = new Host();
    const devices = host.start(tap);
    host.isFull = true;
    expect(devices.lower(tap).said).toMatch(/set down .*stays down if the agent ends .*: no space left/);
    expect(host.isUp).toBe(false);
    host.isFull = false;
    devices.follow(new Map([[tap.ifindex, tap]]));
    expect(host.kept).toEqual([known]);
    host.isFull = true;
    devices.raise(tap.ifindex);
    expect(host.isUp).toBe(true);
    host.isFull = false;
    devices.follow(new Map([[tap.ifindex, tap]]));
    expect(host.kept).toEqual([]);
  });

  it("is known under another name to the agent that saw it renamed, and to the next one", () => {
    const host = new Host();
    const devices = host.start(tap);
    devices.lower(tap);
    const renamed = { ...tap, name: "other" };
    devices.follow(new Map([[tap.ifindex, renamed]]));
    expect(host.kept).toEqual([{ ...known, name: "other" }]);
    host.start(renamed).raise(tap.ifindex);
    expect(host.isUp).toBe(true);
  });
});

describe("all devices that were set down", () => {
  /** A host that sets up what it is asked to, but for some. */
  class Refusing extends Host {
    constructor(readonly codes: Readonly<Record<number, string>>) {
      super();
    }

    override setLinkUp = (ifindex: number, up: boolean): boolean => {
      const code = up ? this.codes[ifindex] : undefined;
      if (code !== undefined) throw Object.assign(new Error(`refused with ${code}`), { code });
      this.steps.push(`${up ? "up" : "down"} ${ifindex}`);
      return true;
    };
  }

  it("are set up, whatever is refused of one; what went meanwhile is nobody's", () => {
    const host = new Refusing({ 8: "EBUSY", 9: "ENODEV" });
    const links = [7, 8, 9, 10].map((ifindex) => ({ ...tap, ifindex, name: `tap${ifindex}` }));
    const devices = host.start(...links);
    for (const link of links) devices.lower(link);
    host.steps.length = 0;
    expect(devices.raiseAll(new Map(links.map((link) => [link.ifindex, link])))).toEqual([
      "tap8 was set down, and could not be set up again: refused with EBUSY",
    ]);
    expect(host.steps.filter((step) => step.startsWith("up"))).toEqual(["up 7", "up 10"]);
    expect(host.kept.map(({ name }) => name)).toEqual(["tap8"]);
  });
});

describe("a device that an earlier agent set down", () => {
  it("is set up by the next one, once", () => {
    const host = new Host([known]);
    host.isUp = false;
    const devices = host.start(tap);
    devices.raise(tap.ifindex);
    devices.raise(tap.ifindex);
    expect(host.steps).toEqual(["up", "keep"]);
  });

  it.each([
    ["gone", []],
    ["another of its number and name", [{ ...tap, mac: "02:00:00:00:01:02" }]],
    ["another of its number and MAC", [{ ...tap, name: "tap2" }]],
  ])("is forgotten where it is %s", (_, links) => {
    const host = new Host([known]);
    host.isUp = false;
    host.start(...links).raise(tap.ifindex);
    expect(host.isUp).toBe(false);
    expect(host.kept).toEqual([]);
  });
});
