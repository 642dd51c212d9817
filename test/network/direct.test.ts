/** Direct forwarding: that frames really go past the bridge, and that they do not wherever it could do otherwise. */
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { KernelStatus, PacketEvent } from "../../src/kernel/status.ts";
import { compileObject } from "../kernel/compile-object.ts";
import { Driver } from "../kernel/namespace.ts";
import { extension, type Layer, payload, tcp, udp } from "../support/packet.ts";
import {
  between,
  closed,
  countJudged,
  DirectBed,
  type End,
  open,
  readForwarding,
  readHooks,
  real,
  tagged,
} from "./direct-bed.ts";
import { setTagsBeside } from "./links.ts";

const endProgram = fileURLToPath(new URL("end.mjs", import.meta.url));

let bed: DirectBed;
beforeAll(() => {
  bed = new DirectBed("direct");
});
afterAll(() => bed.remove());

const many = 100;
/** Of so many frames at once, more than the bridge is shown so that it learns: one a second. */
const shown = many / 2;
const families = ["ipv4", "ipv6"] as const;

type Make = (tag: number) => Uint8Array;
const datagrams = (from: End, to: End, family: "ipv4" | "ipv6", size: number, port = open): Make[] =>
  Array.from(
    { length: many },
    (_, index) => (tag) =>
      between(
        from,
        to,
        family,
        udp({ sourcePort: 5000 + (index % 50), destinationPort: port }),
        payload(tagged(tag, size)),
      ),
  );

describe.each(["native", "generic", "tc"] as const)(
  "guests of a network that asks for it, attached as %s",
  (mode) => {
    it("are sent frames past the bridge, judged and counted once at each end", async () => {
      await bed.withDriver(mode, async (driver) => {
        expect(await readForwarding(driver)).toEqual(
          [1, 2].map(() => ({ wanted: "direct", now: "xdp", reason: null })),
        );
        for (const [from, to] of [
          [1, 2],
          [2, 1],
        ] as const)
          for (const family of families)
            for (const size of [10, 1400]) {
              const before = [
                await countJudged(driver, `eni-${from}`, "egress"),
                await countJudged(driver, `eni-${to}`, "ingress"),
              ];
              const { heard, bridged } = await bed.send([from, to], datagrams(from, to, family, size));
              expect([from, family, size, heard]).toEqual([from, family, size, many]);
              expect([from, family, size, bridged < shown]).toEqual([from, family, size, true]);
              const judged = [
                (await countJudged(driver, `eni-${from}`, "egress")) - (before[0] ?? 0),
                (await countJudged(driver, `eni-${to}`, "ingress")) - (before[1] ?? 0),
              ];
              // The last frame of each direction ends the batch.
              expect(judged).toEqual([many + 1, many + 1]);
            }
      });
    });
  },
);

describe("control: guests of a network that does not ask for it", () => {
  it("are sent frames by the bridge", async () => {
    await bed.withDriver(
      "native",
      async () => {
        const { heard, bridged } = await bed.send([1, 2], datagrams(1, 2, "ipv4", 10));
        expect([heard, bridged]).toEqual([many, many + 2]);
      },
      "kernel",
    );
  });
});

describe("an uplink on the same bridge", () => {
  it("sends guests their frames past it, and refuses there", async () => {
    await bed.withDriver("native", async (driver) => {
      for (const family of families) {
        const { heard, bridged } = await bed.send(["wan", 1], datagrams("wan", 1, family, 100));
        // What the guest sends back ends the batch: nobody directs it to what is no guest.
        expect([family, heard, bridged < shown]).toEqual([family, many, true]);
      }
      const seen = (await driver.call<PacketEvent[]>("events")).length;
      await bed.send(["wan", 1], datagrams("wan", 1, "ipv4", 100, closed));
      expect(new Set(await readHooks(driver, seen, many))).toEqual(new Set(["uplink"]));
    });
  });

  it("sends none past it that may have a tag beside its bytes: none arrives without its tag", async () => {
    const { wan } = bed.places;
    const object = compileObject("beside");
    const sendTagged = () => bed.send(["wan", 1], datagrams("wan", 1, "ipv4", 100));
    try {
      await bed.withDriver("native", async (driver) => {
        const look = async () => {
          await driver.call("sweep");
          return (await driver.call<KernelStatus>("status")).uplinks.map(({ problem }) => problem);
        };
        setTagsBeside(bed.host, "up0", "on");
        expect(await look()).toEqual([
          expect.stringMatching(/nothing goes directly .* -K up0 rxvlan off\)$/),
        ]);
        wan.run("tc", ["qdisc", "add", "dev", "eth0", "clsact"]);
        const program = ["bpf", "direct-action", "obj", object.path, "sec", "tc"];
        wan.run("tc", ["filter", "add", "dev", "eth0", "egress", ...program]);
        expect((await sendTagged()).heard).toBe(0);
        const plain = await bed.send(["wan", 1], datagrams("wan", 1, "ipv4", 10));
        expect([plain.heard, plain.bridged >= many]).toEqual([many, true]);
        // In the bytes, where the programs see it.
        wan.run("ethtool", ["-K", "eth0", "txvlan", "off"]);
        setTagsBeside(bed.host, "up0", "off");
        expect(await look()).toEqual([null]);
        expect((await sendTagged()).heard).toBe(0);
        wan.run("tc", ["qdisc", "del", "dev", "eth0", "clsact"]);
        expect((await sendTagged()).heard).toBe(many);
      });
    } finally {
      object.remove();
      spawnSync("nsenter", [`--net=${wan.path}`, "tc", "qdisc", "del", "dev", "eth0", "clsact"]);
      wan.run("ethtool", ["-K", "eth0", "txvlan", "on"]);
      setTagsBeside(bed.host, "up0", "off");
    }
  });
});

/** Refused by the rules, so that the event says at which hook the frame was judged. */
interface Kind {
  readonly name: string;
  readonly family: "ipv4" | "ipv6";
  readonly layers: (tag: number) => readonly Layer[];
}

const ports = { sourcePort: 5001, destinationPort: closed };
const text = (tag: number, size = 10) => payload(tagged(tag, size));

/** The sum that stacks leave to the device: of the pseudo-header alone. */
function pseudoSum(family: "ipv4" | "ipv6", protocol: 6 | 17, length: number): number {
  // The checksum of a header that is zero but for its ports' complement would be more to read than this.
  const layer = protocol === 6 ? tcp({ ...ports, flags: "A", checksum: 0 }) : udp({ ...ports, checksum: 0 });
  const bytes = between(1, 2, family, layer);
  const [at, size] = family === "ipv4" ? [26, 4] : [22, 16];
  let sum = protocol + length;
  for (let index = at; index < at + 2 * size; index += 2)
    sum += ((bytes[index] ?? 0) << 8) | (bytes[index + 1] ?? 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return sum;
}

const withoutSkb: readonly Kind[] = families.flatMap((family) => [
  { name: "UDP", family, layers: (tag) => [udp(ports), text(tag)] },
  { name: "UDP that is long enough for a tunnel", family, layers: (tag) => [udp(ports), text(tag, 28)] },
  { name: "UDP of an odd length", family, layers: (tag) => [udp(ports), text(tag, 1235)] },
  { name: "UDP as long as the MTU lets it", family, layers: (tag) => [udp(ports), text(tag, 1440)] },
  { name: "TCP", family, layers: (tag) => [tcp({ ...ports, flags: "PA" }), text(tag)] },
]);

const withSkb: readonly Kind[] = [
  ...families.flatMap((family): readonly Kind[] => [
    {
      name: "TCP whose checksum is left to the device",
      family,
      layers: (tag) => [tcp({ ...ports, flags: "PA", checksum: pseudoSum(family, 6, 30) }), text(tag)],
    },
    {
      name: "UDP whose checksum is left to the device",
      family,
      layers: (tag) => [udp({ ...ports, checksum: pseudoSum(family, 17, 18) }), text(tag)],
    },
    {
      name: "UDP, longer, whose checksum is left to the device",
      family,
      layers: (tag) => [udp({ ...ports, checksum: pseudoSum(family, 17, 108) }), text(tag, 100)],
    },
    {
      name: "UDP whose checksum is wrong, as around a packet that leaves its own to the device",
      family,
      layers: (tag) => [udp({ ...ports, checksum: 0x1234 }), text(tag, 600)],
    },
    { name: "UDP without a checksum", family, layers: (tag) => [udp({ ...ports, checksum: 0 }), text(tag)] },
  ]),
  {
    name: "UDP behind extension headers",
    family: "ipv6",
    layers: (tag) => [extension(60), udp(ports), text(tag)],
  },
];

/** At which hooks frames of a kind are refused at guest 2. */
async function hooksOf(driver: Driver, { family, layers }: Kind): Promise<readonly string[]> {
  const seen = (await driver.call<PacketEvent[]>("events")).length;
  await bed.send(
    [1, 2],
    Array.from({ length: 20 }, () => (tag: number) => between(1, 2, family, ...layers(tag))),
  );
  return readHooks(driver, seen, 20);
}

describe("a frame that goes on without its skb", () => {
  it("has its checksum in its bytes, and every other keeps its skb", async () => {
    await bed.withDriver("native", async (driver) => {
      for (const kind of withoutSkb) {
        const hooks = await hooksOf(driver, kind);
        expect([kind.name, kind.family, hooks.filter((hook) => hook === "xdp").length >= 20 - shown]).toEqual(
          [kind.name, kind.family, true],
        );
      }
      for (const kind of withSkb) {
        const hooks = await hooksOf(driver, kind);
        expect([kind.name, kind.family, ...new Set(hooks)]).toEqual([kind.name, kind.family, "tc-egress"]);
      }
    });
  });
});

describe("a connection between stacks that leave their checksums and segments to their devices", () => {
  it("loses nothing, in either way past the bridge", async () => {
    const bytes = 20_000_000;
    for (const mode of ["native", "tc"] as const)
      await bed.withDriver(mode, async () => {
        const before = bed.bridged();
        const ends = [1, 2].map((end) => Driver.start(bed.places[end === 1 ? 1 : 2].name, endProgram));
        try {
          const [asks, serves] = ends;
          await serves?.call("listen", { sink: [open] });
          for (const host of Object.values(real(2)))
            expect([mode, host, await asks?.call("pour", { host, port: open, bytes })]).toEqual([
              mode,
              host,
              bytes,
            ]);
        } finally {
          for (const end of ends) await end.kill();
        }
        // 14,000 packets of 1,448 bytes; segments are fewer, and one a second is shown.
        expect([mode, bed.bridged() - before < 500]).toEqual([mode, true]);
      });
  });
});
