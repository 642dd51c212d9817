/**
 * Path-MTU discovery through the firewall: the rules name TCP and UDP only, the errors of routers come through as what they
 * are, related.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { KernelStatus, PacketCounter } from "../../src/kernel/status.ts";
import { objectPath, withBpffs } from "../kernel/host.ts";
import { bundleDriver, Driver } from "../kernel/namespace.ts";
import { Links, type Place } from "./links.ts";
import {
  type Family,
  forgetPaths,
  learntMtu,
  makePath,
  narrow,
  type PathBed,
  pods,
  rules,
  servers,
  setMasquerade,
  setNarrow,
  setSilent,
} from "./pmtu-bed.ts";

const endProgram = fileURLToPath(new URL("end.mjs", import.meta.url));
const port = 8080;
/** Bytes: many segments of every width, and of GSO. */
const bulk = 400_000;

let links: Links;
let bed: PathBed;
let bundle: ReturnType<typeof bundleDriver>;
let ends: Record<"guest" | "pod" | "server", Driver>;

beforeAll(async () => {
  links = new Links("pmtu");
  bundle = bundleDriver("pmtu");
  bed = makePath(links);
  const start = (place: Place) => Driver.start(place.name, endProgram);
  ends = { guest: start(bed.guest), pod: start(bed.pod), server: start(bed.server) };
  for (const end of [ends.pod, ends.server]) await end.call("listen", { sink: [port] });
});
afterAll(async () => {
  for (const end of Object.values(ends)) await end.kill();
  links.remove();
  bundle.remove();
});

async function withDriver(attach: "native" | "tc", body: (driver: Driver) => Promise<void>): Promise<void> {
  await withBpffs(async (root) => {
    const driver = Driver.start(bed.host.name, bundle.path);
    try {
      const settings = { attach, uplinks: [{ device: "up0", networks: null }] };
      await driver.call("open", { object: objectPath, root, settings, interfaces: 16 });
      const { interfaces } = await driver.call<KernelStatus>("applyRules", rules);
      expect(interfaces.map(({ mode }) => mode)).toEqual([attach]);
      await body(driver);
      await driver.call("close", { detach: true });
    } finally {
      await driver.kill();
    }
  });
}

/** Packets so far that were related, and ICMP's that were not. */
async function readReasons(driver: Driver, direction: "egress" | "ingress") {
  const counters = await driver.call<PacketCounter[]>("counters");
  const sum = (reason: string) =>
    counters
      .filter((one) => one.direction === direction && one.reason === reason)
      .reduce((total, { packets }) => total + Number(packets), 0);
  return { related: sum("related"), refused: sum("no-rule") + sum("default-drop") };
}

interface Path {
  readonly from: "guest" | "pod" | "server";
  readonly host: string;
  /** Whose narrow link it is. */
  readonly where: "router" | "guest";
  /** Which way the error passes the guest's device. */
  readonly errors: "egress" | "ingress";
}

/** Pours over a path that is narrower than both ends think, and looks what that took. */
async function expectDiscovery(driver: Driver, family: Family, { from, host, where, errors }: Path) {
  setNarrow(bed, where, family);
  forgetPaths(bed);
  const before = await readReasons(driver, errors);
  expect(learntMtu(bed[from], host)).toBeNull();
  expect(await ends[from].call("pour", { host, port, bytes: bulk })).toBe(bulk);
  expect(learntMtu(bed[from], host)).toBe(narrow[family]);
  const after = await readReasons(driver, errors);
  expect(after.related).toBeGreaterThan(before.related);
  expect(after.refused).toBe(before.refused);
}

/** A datagram that is too long for the path: its sender is told, by an error that is related to it. */
async function expectTold(driver: Driver, family: Family, { from, host, where, errors }: Path) {
  setNarrow(bed, where, family);
  forgetPaths(bed);
  const before = await readReasons(driver, errors);
  expect(learntMtu(bed[from], host)).toBeNull();
  await ends[from].call("exchange", [{ protocol: "udp", host, port, bytes: 1400 }]);
  await expect.poll(() => learntMtu(bed[from], host)).toBe(narrow[family]);
  const after = await readReasons(driver, errors);
  expect(after.related).toBeGreaterThan(before.related);
  expect(after.refused).toBe(before.refused);
}

describe.each(["tc", "native"] as const)("datagrams over a narrow link, guest attached as %s", (attach) => {
  it("have their senders told the width by a router on the way, and by the guest that routes", async () => {
    await withDriver(attach, async (driver) => {
      for (const family of ["ipv4", "ipv6"] as const) {
        const [server, pod] = [servers[family], pods[family]];
        await expectTold(driver, family, {
          from: "guest",
          host: server,
          where: "router",
          errors: "ingress",
        });
        await expectTold(driver, family, { from: "server", host: pod, where: "guest", errors: "egress" });
      }
    });
  });
});

describe.each(["tc", "native"] as const)("bulk TCP over a narrow link, guest attached as %s", (attach) => {
  it("finds the width behind a router that is not the peer, and behind the guest's own routing", async () => {
    await withDriver(attach, async (driver) => {
      for (const family of ["ipv4", "ipv6"] as const) {
        const [server, pod] = [servers[family], pods[family]];
        await expectDiscovery(driver, family, {
          from: "guest",
          host: server,
          where: "router",
          errors: "ingress",
        });
        await expectDiscovery(driver, family, {
          from: "pod",
          host: server,
          where: "router",
          errors: "ingress",
        });
        await expectDiscovery(driver, family, {
          from: "server",
          host: pod,
          where: "guest",
          errors: "egress",
        });
      }
    });
  });

  it("finds it behind the host's own masquerading", async () => {
    setMasquerade(bed, true);
    try {
      await withDriver(attach, async (driver) => {
        for (const family of ["ipv4", "ipv6"] as const)
          for (const from of ["guest", "pod"] as const)
            await expectDiscovery(driver, family, {
              from,
              host: servers[family],
              where: "router",
              errors: "ingress",
            });
      });
    } finally {
      setMasquerade(bed, false);
    }
  });
});

describe("control: a router that keeps its errors to itself", () => {
  it.each(["ipv4", "ipv6"] as const)(
    "stalls the same connection, %s, which goes on when they pass",
    async (family) => {
      await withDriver("tc", async () => {
        setNarrow(bed, "router", family);
        forgetPaths(bed);
        setSilent(bed, true);
        const before = await ends.server.call<number>("poured");
        let over = false;
        const pouring = ends.guest.call("pour", { host: servers[family], port, bytes: bulk }).finally(() => {
          over = true;
        });
        try {
          await sleep(1000);
          expect(over).toBe(false);
          expect(learntMtu(bed.guest, servers[family])).toBeNull();
          // The sink counts from nothing with each connection's first bytes: none came.
          expect(await ends.server.call<number>("poured")).toBe(before);
        } finally {
          setSilent(bed, false);
        }
        expect(await pouring).toBe(bulk);
        expect(learntMtu(bed.guest, servers[family])).toBe(narrow[family]);
      });
    },
  );
});
