/** What forbids direct forwarding, or frames without skbs, is seen, said, obeyed, and no longer when it is gone. */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Verification } from "../../src/kernel/status.ts";
import { withBpffs } from "../kernel/host.ts";
import type { Driver } from "../kernel/namespace.ts";
import { payload, udp } from "../support/packet.ts";
import { between, DirectBed, macs, open, openDriver, readForwarding, rules, tagged } from "./direct-bed.ts";

let bed: DirectBed;
beforeAll(() => {
  bed = new DirectBed("directly");
});
afterAll(() => bed.remove());

const many = 40;
const frames = Array.from(
  { length: many },
  (_, index) => (tag: number) =>
    between(1, 2, "ipv4", udp({ sourcePort: 5000 + index, destinationPort: open }), payload(tagged(tag))),
);

interface Condition {
  readonly name: string;
  readonly make: string;
  readonly end: string;
  /** What `status` says of guest 2. */
  readonly now: "kernel" | "tc" | "xdp";
  readonly reason: RegExp | null;
  /** Whether frames still come out at guest 2. */
  readonly passes: boolean;
}

/** Commands of the host's namespace; `guest:` in guest 2's. */
const conditions: readonly Condition[] = [
  {
    name: "a bridge that filters VLANs",
    make: "ip link set br0 type bridge vlan_filtering 1",
    end: "ip link set br0 type bridge vlan_filtering 0",
    now: "kernel",
    reason: /br0 filters VLANs/,
    passes: true,
  },
  {
    name: "a guest on another bridge",
    make: "ip link add br1 type bridge; ip link set br1 up; ip link set tap2 master br1",
    end: "ip link set tap2 master br0; ip link del br1",
    now: "xdp",
    reason: null,
    passes: false,
  },
  {
    name: "a guest on no bridge",
    make: "ip link set tap2 nomaster",
    end: "ip link set tap2 master br0",
    now: "kernel",
    reason: /tap2 is no port of a bridge/,
    passes: false,
  },
  {
    name: "netfilter that sees bridged packets",
    make: "sysctl -qw net.bridge.bridge-nf-call-iptables=1",
    end: "sysctl -qw net.bridge.bridge-nf-call-iptables=0",
    now: "kernel",
    reason: /set net\.bridge\.bridge-nf-call-iptables=0/,
    passes: true,
  },
  {
    name: "a bridge that calls netfilter by itself",
    make: "ip link set br0 type bridge nf_call_ip6tables 1",
    end: "ip link set br0 type bridge nf_call_ip6tables 0",
    now: "kernel",
    reason: /br0 hands its packets to netfilter/,
    passes: true,
  },
  {
    name: "a bridge that forgets within a second",
    make: "ip link set br0 type bridge ageing_time 100",
    end: "ip link set br0 type bridge ageing_time 30000",
    now: "kernel",
    reason: /br0 forgets MACs after 1 s/,
    passes: true,
  },
  {
    name: "a blocked port",
    make: "bridge link set dev tap2 state 0",
    end: "bridge link set dev tap2 state 3",
    now: "kernel",
    reason: /tap2 does not forward on br0/,
    passes: false,
  },
  ...(["isolated", "hairpin"] as const).map((name) => ({
    name: `a port with ${name} on`,
    make: `bridge link set dev tap2 ${name} on`,
    end: `bridge link set dev tap2 ${name} off`,
    now: "kernel" as const,
    reason: new RegExp(`tap2 is a port of br0 with ${name} on`),
    passes: true,
  })),
  {
    name: "a port that does not learn",
    make: "bridge link set dev tap2 learning off",
    end: "bridge link set dev tap2 learning on",
    now: "kernel",
    reason: /with learning off/,
    passes: true,
  },
  {
    name: "a host's device with the guest's MAC",
    make: `ip link add other type veth peer name end; ip link set other address ${macs[2]}`,
    end: "ip link del other",
    now: "kernel",
    reason: /a device of the host itself has its MAC/,
    passes: true,
  },
  {
    name: "a guest's end without NAPI",
    make: "guest: ethtool -K eth0 gro off",
    end: "guest: ethtool -K eth0 gro on",
    now: "tc",
    reason: /tap2 takes no XDP frames/,
    passes: true,
  },
  {
    name: "a shaped device",
    make: "tc qdisc add dev tap2 root tbf rate 1gbit burst 1mb latency 50ms",
    end: "tc qdisc del dev tap2 root",
    now: "tc",
    reason: /queueing discipline that XDP would jump over \(tbf\)/,
    passes: true,
  },
];

/** False where this kernel, or its tools, cannot do it. */
function run(commands: string): boolean {
  const inGuest = commands.startsWith("guest: ");
  const { path } = inGuest ? bed.places[2] : bed.host;
  const script = commands.replace(/^guest: /, "").replaceAll("; ", " && ");
  return spawnSync("nsenter", [`--net=${path}`, "sh", "-c", script], { stdio: "ignore" }).status === 0;
}

const both = [1, 2].map(() => ({ wanted: "direct", now: "xdp", reason: null }));

async function expectForbidden(driver: Driver, { name, end, now, reason, passes }: Condition): Promise<void> {
  try {
    const [, forwarding] = await readForwarding(driver);
    expect([name, forwarding?.now]).toEqual([name, now]);
    // From the other bridge it may be reached directly: not from this one.
    if (reason === null) expect(forwarding?.reason).toBeNull();
    else expect(forwarding?.reason).toMatch(reason);
    if (!passes) return;
    const { heard, bridged } = await bed.send([1, 2], frames);
    expect([name, heard, now === "kernel" ? bridged >= many : bridged < many / 2]).toEqual([
      name,
      many,
      true,
    ]);
  } finally {
    run(end);
  }
}

async function expectWay(way: "direct" | "kernel"): Promise<void> {
  const { heard, bridged } = await bed.send([1, 2], frames);
  expect([heard, bridged >= many]).toEqual([many, way === "kernel"]);
}

describe("direct forwarding", () => {
  it("ends where the bridge could do otherwise, says why, and comes back", async () => {
    await bed.withDriver("native", async (driver) => {
      expect(await readForwarding(driver)).toEqual(both);
      let tried = 0;
      for (const condition of conditions) {
        if (!run(condition.make)) {
          run(condition.end);
          console.log(`this kernel has not: ${condition.name}`);
          continue;
        }
        tried++;
        await expectForbidden(driver, condition);
        await expect.poll(() => readForwarding(driver)).toEqual(both);
      }
      expect(tried).toBeGreaterThanOrEqual(conditions.length - 1);
      await expectWay("direct");
    });
  });

  it("reaches a device that left for another namespace and was back before anybody looked", async () => {
    await bed.withDriver("native", async (driver) => {
      expect(await readForwarding(driver)).toEqual(both);
      driver.signal("SIGSTOP");
      const [here, there] = [bed.host.name, bed.places.wan.name];
      expect(run(`ip link set tap2 netns ${there}; ip -n ${there} link set tap2 netns ${here}`)).toBe(true);
      expect(run("ip link set tap2 master br0 up")).toBe(true);
      driver.signal("SIGCONT");
      await expect.poll(() => readForwarding(driver)).toEqual(both);
      await expectWay("direct");
    });
  });

  it("shows the bridge a frame of each sender after a second, so that it goes on learning", async () => {
    await bed.withDriver("native", async () => {
      const entry = `${macs[1]} dev tap1 master br0`;
      await bed.send([1, 2], frames);
      for (let turn = 0; turn < 3; turn++) {
        await sleep(1100);
        run(`bridge fdb del ${macs[1]} dev tap1 master`);
        expect(bed.host.run("bridge", ["fdb", "show", "br", "br0"])).not.toContain(entry);
        await expectWay("direct");
        expect(bed.host.run("bridge", ["fdb", "show", "br", "br0"])).toContain(entry);
      }
    });
  });

  it("goes on when the agent is killed, is adopted, and ends with it where it is detached", async () => {
    await withBpffs(async (root) => {
      const first = bed.start();
      const second = bed.start();
      try {
        await openDriver(first, root, "native");
        await first.call("applyRules", rules("direct"));
        expect(await readForwarding(first)).toEqual(both);
        await first.kill();
        await expectWay("direct");
        await openDriver(second, root, "native");
        await expectWay("direct");
        await second.call("applyRules", rules("direct"));
        expect(await readForwarding(second)).toEqual(both);
        await second.call("applyRules", rules("kernel"));
        await expectWay("kernel");
        await second.call("applyRules", rules("direct"));
        await expectWay("direct");
        await second.call("close", { detach: true });
        await expectWay("kernel");
      } finally {
        for (const driver of [first, second]) await driver.kill();
      }
    });
  });

  it("is held against what it was set to, and mended", async () => {
    await bed.withDriver("native", async (driver, root) => {
      const maps = join(root, "current", "maps");
      const bytes = (text: string) => text.split(" ");
      const update = (map: string, key: string, value: string) =>
        spawnSync(
          "bpftool",
          ["map", "update", "pinned", join(maps, map), "key", ...bytes(key), "value", ...bytes(value)],
          { stdio: "pipe" },
        ).status;
      // Another MAC leads to a device, a place of no device has a bridge.
      expect(update("rw_direct", "2 0 0 0 2 0 0 0 0 77 0 0", "9 0 0 0 1 0 0 0 220 5 0 0 0 0 0 0")).toBe(0);
      expect(update("rw_ports", "99 0 0 0", "99 0 0 0 2 0 0 0")).toBe(0);
      const { differences } = await driver.call<Verification>("verify");
      expect(differences.map(({ map, mended }) => [map, mended]).sort()).toEqual([
        ["rw_direct", true],
        ["rw_ports", true],
      ]);
      expect((await driver.call<Verification>("verify")).differences).toEqual([]);
    });
  });
});
