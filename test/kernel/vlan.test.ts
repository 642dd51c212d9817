/**
 * VLAN devices and bridges that filter VLANs. vitest.config.ts leaves this to the kernels that have them
 * (scripts/kernels.sh); there it fails where they are missing.
 * A tag lies in the frame's bytes, or beside them in the skb, as a VLAN device with its offload sends it.
 */
import { once } from "node:events";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { KernelStatus, PacketCounter } from "../../src/kernel/status.ts";
import { addBridge, Links, type Place } from "../network/links.ts";
import { objectPath, withBpffs } from "./host.ts";
import { bundleDriver, Driver } from "./namespace.ts";

const [listed, unlisted] = [7, 8];
const guests = [1, 2] as const;
const macOf = (guest: number): string => `02:00:00:00:00:0${guest}`;
const addressOf = (guest: number, tag: number): string => `10.0.${tag}.${guest}`;

const interfaceOf = (guest: number): string =>
  `  i-${guest}: {interfaces: {eni-${guest}: {device: tap${guest}, network: vpc-a, mac: "${macOf(guest)}", vlans: [${listed}], ` +
  `addresses: [${[0, listed, unlisted].map((tag) => addressOf(guest, tag)).join(", ")}], groups: [sg-t]}}}\n`;
const rules = (forwarding: "direct" | "kernel") => `version: 1
networks: {vpc-a: {type: vpc, forwarding: ${forwarding}}}
groups:
  sg-t:
    type: basic
    network: vpc-a
    innerAccess: drop
    rules:
      - {direction: ingress, policy: accept, protocol: tcp, portRange: 80/80, remote: 0.0.0.0/0}
      - {direction: ingress, policy: accept, protocol: udp, portRange: 80/80, remote: 0.0.0.0/0}
instances:
${guests.map(interfaceOf).join("")}`;

class VlanBed {
  readonly #links: Links;
  readonly #bundle: ReturnType<typeof bundleDriver>;
  readonly #servers: ReturnType<Place["spawn"]>[] = [];
  readonly host: Place;
  readonly guests: Readonly<Record<1 | 2, Place>>;

  constructor(name: string) {
    this.#links = new Links(name);
    this.#bundle = bundleDriver(name);
    this.host = this.#links.add("host");
    addBridge(this.host, "br0");
    this.guests = { 1: this.#addGuest(1), 2: this.#addGuest(2) };
  }

  #addGuest(guest: number): Place {
    const place = this.#links.add(`g${guest}`);
    this.#links.connect(
      { place: this.host, device: `tap${guest}`, bridge: "br0" },
      { place, device: "eth0", mac: macOf(guest), addresses: [`${addressOf(guest, 0)}/24`] },
    );
    const other = 3 - guest;
    place.ip("neigh", "add", addressOf(other, 0), "lladdr", macOf(other), "dev", "eth0");
    for (const tag of [listed, unlisted]) {
      const device = `eth0.${tag}`;
      place.ip("link", "add", "link", "eth0", "name", device, "type", "vlan", "id", String(tag));
      place.ip("link", "set", device, "up");
      place.ip("addr", "add", `${addressOf(guest, tag)}/24`, "dev", device);
      place.ip("neigh", "add", addressOf(other, tag), "lladdr", macOf(other), "dev", device);
    }
    return place;
  }

  /** Guest 2 accepts connections to ports 80 and 81, and datagrams to 80, of whatever network. */
  async listen(): Promise<void> {
    const script = `require("node:dgram").createSocket("udp4").bind(80);
let n = 0; for (const p of [80, 81]) require("net").createServer((s) => s.on("error", () => {}).pipe(s)).listen(p, "0.0.0.0", () => ++n === 2 && console.log("ready"));`;
    const server = this.guests[2].spawn(process.execPath, ["-e", script]);
    this.#servers.push(server);
    if (server.stdout !== null) await once(server.stdout, "data");
  }

  /** Where the tags of what guests send lie: beside the bytes in the skb, or in the bytes. */
  tagBeside(beside: boolean): void {
    for (const guest of guests)
      this.guests[guest].run("ethtool", ["-K", "eth0", "tx-vlan-hw-insert", beside ? "on" : "off"]);
  }

  /** Guest 1 asks ports of guest 2 behind these tags, all at once, and finds these open: "TAG:PORT". */
  async expectOpen(tags: readonly number[], open: readonly string[]): Promise<void> {
    const asks = tags.flatMap((tag) =>
      [80, 81].map((port) => {
        const name = `${tag}:${port}`;
        // What is open is waited for, however slow an emulated processor is.
        const seconds = open.includes(name) ? 300 : 10;
        const word = `</dev/tcp/${addressOf(2, tag)}/${port}`;
        return `{ timeout ${seconds} bash -c '${word}' 2>/dev/null && echo ${name}; } &`;
      }),
    );
    const said = this.guests[1].run("bash", ["-c", `${asks.join("\n")}\nwait`]);
    expect(said.trim().split("\n").sort()).toEqual(open);
    // Their ends are packets, too, and none of what is counted next.
    const ends = () => this.guests[2].run("ss", ["-Htan", "exclude", "listening"]);
    await expect.poll(ends).toBe("");
  }

  /** Guest 1 sends datagrams to guest 2. */
  send(tag: number, count: number): void {
    const script = `exec 3>/dev/udp/${addressOf(2, tag)}/80; for n in $(seq ${count}); do echo $n >&3; done`;
    this.guests[1].run("bash", ["-c", script]);
  }

  async withDriver(
    attach: string,
    forwarding: "direct" | "kernel",
    body: (driver: Driver) => Promise<void>,
  ): Promise<void> {
    await withBpffs(async (root) => {
      const driver = Driver.start(this.host.name, this.#bundle.path);
      try {
        await driver.call("open", { object: objectPath, root, settings: { attach }, interfaces: 16 });
        await driver.call("applyRules", rules(forwarding));
        await body(driver);
        await driver.call("close", { detach: true });
      } finally {
        await driver.kill();
      }
    });
  }

  remove(): void {
    for (const server of this.#servers) server.kill("SIGKILL");
    this.#links.remove();
    this.#bundle.remove();
  }
}

/** Verdicts so far on IP, by interface, direction and reason. */
async function countAll(driver: Driver): Promise<ReadonlyMap<string, number>> {
  const counters = await driver.call<PacketCounter[]>("counters");
  return new Map(
    counters.map((one) => [
      `${one.interface} ${one.direction} ${one.verdict} ${one.reason}`,
      Number(one.packets),
    ]),
  );
}

/** What guest 1 sends comes to, on IP: verdicts since then. */
async function expectCounted(
  bed: VlanBed,
  driver: Driver,
  [tag, count]: readonly [number, number],
  wanted: Readonly<Record<string, number>>,
): Promise<void> {
  const before = await countAll(driver);
  bed.send(tag, count);
  const grown = async () => {
    const all = [...(await countAll(driver))].map(
      ([key, value]) => [key, value - (before.get(key) ?? 0)] as const,
    );
    // What guests' stacks say by themselves is none of this.
    return Object.fromEntries(
      all.filter(([key, value]) => value > 0 && !/arp|neighbour-discovery/.test(key)),
    );
  };
  await expect.poll(grown).toEqual(wanted);
}

describe("guests with VLAN devices", () => {
  let bed: VlanBed;
  beforeAll(async () => {
    bed = new VlanBed("vlan");
    await bed.listen();
  });
  afterAll(() => bed?.remove());

  describe.each(["native", "generic", "tc"] as const)("attached as %s", (attach) => {
    it.each([
      { place: "beside the bytes", beside: true },
      { place: "in the bytes", beside: false },
    ])(
      "send tags $place: rules hold behind a listed one, nothing passes behind another",
      async ({ beside }) => {
        bed.tagBeside(beside);
        await bed.withDriver(attach, "kernel", async (driver) => {
          await bed.expectOpen([0, listed, unlisted], ["0:80", `${listed}:80`]);
          await expectCounted(bed, driver, [0, 10], {
            "eni-1 egress accept default-egress": 1,
            "eni-1 egress accept session": 9,
            "eni-2 ingress accept rule": 1,
            "eni-2 ingress accept session": 9,
          });
          // XDP is not shown a tag beside the bytes: what it lets through is judged once more, with its tag.
          const again = beside && attach !== "tc" ? 10 : 0;
          await expectCounted(bed, driver, [listed, 10], {
            "eni-1 egress accept default-egress": 1,
            "eni-1 egress accept session": 9 + again,
            "eni-2 ingress accept rule": 1,
            "eni-2 ingress accept session": 9,
          });
          await expectCounted(bed, driver, [unlisted, 10], {
            ...(again > 0
              ? { "eni-1 egress accept default-egress": 1, "eni-1 egress accept session": 9 }
              : {}),
            "eni-1 egress drop unsupported": 10,
          });
        });
      },
    );
  });
});

describe("guests on a bridge that filters VLANs", () => {
  let bed: VlanBed;
  beforeAll(async () => {
    bed = new VlanBed("filter");
    bed.host.ip("link", "set", "br0", "type", "bridge", "vlan_filtering", "1");
    await bed.listen();
  });
  afterAll(() => bed?.remove());
  const vlan = (verb: "add" | "del", guest: number, tag: number, ...words: string[]) =>
    bed.host.run("bridge", ["vlan", verb, "dev", `tap${guest}`, "vid", String(tag), ...words]);

  it("are reached by the bridge's word and the rules', and status says why not past it", async () => {
    bed.tagBeside(true);
    await bed.withDriver("native", "direct", async (driver) => {
      await driver.call("sweep");
      const { interfaces } = await driver.call<KernelStatus>("status");
      expect(interfaces.map(({ forwarding }) => forwarding)).toEqual(
        guests.map(() => ({
          wanted: "direct",
          now: "kernel",
          reason: expect.stringMatching(/br0 filters VLANs/),
        })),
      );
      await bed.expectOpen([0, listed], ["0:80"]);
      for (const guest of guests) for (const tag of [listed, unlisted]) vlan("add", guest, tag);
      await bed.expectOpen([0, listed, unlisted], ["0:80", `${listed}:80`]);
      vlan("del", 2, listed);
      await bed.expectOpen([0, listed], ["0:80"]);
    });
  });

  it("that puts tags on and takes them off is judged as the guest's device has the frame", async () => {
    for (const guest of guests) for (const tag of [listed, unlisted]) vlan("del", guest, tag);
    await bed.withDriver("tc", "kernel", async (driver) => {
      // Untagged at both devices, whatever the bridge calls it.
      for (const guest of guests) vlan("add", guest, unlisted, "pvid", "untagged");
      await bed.expectOpen([0], ["0:80"]);
      // The bridge hands guest 2 a tag that its interface does not list.
      vlan("add", 2, unlisted);
      await expectCounted(bed, driver, [0, 5], {
        "eni-1 egress accept default-egress": 1,
        "eni-1 egress accept session": 4,
        "eni-2 ingress drop unsupported": 5,
      });
    });
  });
});
