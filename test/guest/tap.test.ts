/** A VM on a tap with its offloads: packets of up to 64 kB that no wire ever carries. */

import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Direction } from "../../src/model/model.ts";
import { linesForEverybody } from "../support/rule-lines.ts";
import { addresses, differenceOf, type Family, guestMac, TapBed } from "./tap-bed.ts";

/** The largest frame that is no aggregate, bytes. */
const wire = 1514;
const directions: readonly Direction[] = ["ingress", "egress"];
const families: readonly Family[] = [4, 6];
/** A port for each transfer: 5201 to 5239 are open to all. */
let nextPort = 5201;
/** An open port where nobody listens, and one that the rules refuse, in both directions. */
const [idle, filtered] = [5250, 5300];

function rules(): string {
  const open = ["tcp 7000/7000", "tcp 5201/5239", "udp 5201/5239", "tcp 5250/5250", "udp 5250/5250"];
  const words = [
    ...open.map((text) => `ingress accept ${text}`),
    ...["tcp", "udp"].map((protocol) => `egress drop ${protocol} ${filtered}/${filtered}`),
  ];
  return `version: 1
networks: {vpc-a: {type: vpc}}
groups:
  sg-t:
    type: basic
    network: vpc-a
    rules:
${linesForEverybody(words)}
instances:
  i-1: {interfaces: {eni-1: {host: here, device: tap0, network: vpc-a, mac: "${guestMac}", addresses: [10.9.0.1, "fd09::1"], groups: [sg-t]}}}
`;
}

let bed: TapBed;
beforeAll(async () => {
  bed = new TapBed();
  await bed.guest.says(/^ready$/);
});
afterAll(() => bed?.remove());

/** What whoever asks a port finds there: a bash script that prints "refused", "silent" or "open". */
function knock(protocol: "tcp" | "udp", address: string, port: number): string {
  // A later datagram is told what an earlier one came to.
  const words =
    protocol === "tcp"
      ? `exec 3<>/dev/tcp/${address}/${port}`
      : `exec 3<>/dev/udp/${address}/${port}; for n in {1..8}; do echo $n >&3 || exit 1; sleep 0.2; done`;
  // Who is refused hears it at once, but on a busy machine an emulated guest takes long for that.
  return `said=$(timeout ${protocol === "tcp" && port === filtered ? 3 : 60} bash -c '${words}' 2>&1); code=$?
case "$code $said" in *refused*) echo refused;; 124*) echo silent;; 0*) echo ${protocol === "tcp" ? "open" : "silent"};; *) echo "$code $said";; esac`;
}

describe.each([
  { attach: "auto", mode: "native" },
  { attach: "generic", mode: "generic" },
  { attach: "tc", mode: "tc" },
] as const)("a guest on a tap with offloads, attached $attach", ({ attach, mode }) => {
  let root: string;
  let parent: string;
  beforeAll(async () => {
    parent = mkdtempSync(join(tmpdir(), "ringwall-tap-"));
    root = join(parent, "ringwall");
    await bed.open(root, { attach });
    await bed.driver.call("applyRules", rules());
  });
  afterAll(async () => {
    await bed.driver.call("close", { detach: true });
    spawnSync("umount", ["-l", root]);
    rmSync(parent, { recursive: true, force: true });
  });

  it.each(directions.flatMap((direction) => families.map((family) => ({ direction, family }))))(
    "has its TCP segments judged once and whole, $direction, IPv$family",
    async ({ direction, family }) => {
      expect(await bed.driver.call("status")).toMatchObject({ interfaces: [{ state: "enforcing", mode }] });
      const [judged, device] = [await bed.counted(direction, "accept"), bed.deviceTraffic(direction)];
      const port = nextPort++;
      await bed.serve(direction, port);
      const received = await bed.transfer(direction, family, port, "-n 20M");
      // iperf3 ends when all is sent: the last of it may never be read.
      expect(received).toBeGreaterThan(5_000_000);
      const grown = async () => differenceOf(await bed.counted(direction, "accept"), judged);
      const apart = async () =>
        differenceOf(await grown(), differenceOf(bed.deviceTraffic(direction), device));
      await expect.poll(apart).toEqual({ packets: 0, bytes: 0 });
      const { packets, bytes } = await grown();
      expect(bytes).toBeGreaterThan(received ?? 0);
      expect(bytes / packets).toBeGreaterThan(wire);
    },
  );

  it.each(directions.flatMap((direction) => families.map((family) => ({ direction, family }))))(
    "has its UDP and its fragments pass, $direction, IPv$family",
    async ({ direction, family }) => {
      const before = await bed.counted(direction, "drop");
      for (const size of [1200, 8000]) {
        const port = nextPort++;
        await bed.serve(direction, port);
        expect(await bed.transfer(direction, family, port, `-u -b 8M -n 400K -l ${size}`)).toBeGreaterThan(0);
      }
      expect(await bed.counted(direction, "drop")).toEqual(before);
    },
  );

  it.each(directions.flatMap((direction) => families.map((family) => ({ direction, family }))))(
    "is told who refuses a connection, and nothing where the rules do, $direction, IPv$family",
    async ({ direction, family }) => {
      const ask = async (protocol: "tcp" | "udp", port: number): Promise<string> => {
        const { guest, host } = addresses[family];
        const said =
          direction === "egress"
            ? await bed.inGuest(knock(protocol, host, port))
            : bed.host.run("bash", ["-c", knock(protocol, guest, port)]);
        return said.trim();
      };
      const dropped = async () => (await bed.counted(direction, "drop")).packets;
      const before = await dropped();
      expect([await ask("tcp", idle), await ask("udp", idle)]).toEqual(["refused", "refused"]);
      expect(await dropped()).toBe(before);
      expect([await ask("tcp", filtered), await ask("udp", filtered)]).toEqual(["silent", "silent"]);
      expect(await dropped()).toBeGreaterThan(before);
    },
  );
});
