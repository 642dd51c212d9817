/** A VM on a tap with its offloads: packets of up to 64 kB that no wire ever carries. */

import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Direction } from "../../src/model/model.ts";
import { differenceOf, type Family, guestMac, TapBed } from "./tap-bed.ts";

/** The largest frame that is no aggregate, bytes. */
const wire = 1514;
const directions: readonly Direction[] = ["ingress", "egress"];
const families: readonly Family[] = [4, 6];
/** A port for each transfer: 5201 to 5239 are open to all. */
let nextPort = 5201;

function rules(): string {
  const ports = ["tcp 7000/7000", "tcp 5201/5239", "udp 5201/5239"];
  const accept = ports.flatMap((text) => {
    const [protocol, range] = text.split(" ");
    return ["0.0.0.0/0", "::/0"].map(
      (remote) =>
        `      - {direction: ingress, policy: accept, protocol: ${protocol}, portRange: ${range}, remote: "${remote}"}`,
    );
  });
  return `version: 1
networks: {vpc-a: {type: vpc}}
groups:
  sg-t:
    type: basic
    network: vpc-a
    rules:
${accept.join("\n")}
instances:
  i-1: {interfaces: {eni-1: {host: here, device: tap0, network: vpc-a, mac: "${guestMac}", addresses: [10.9.0.1, "fd09::1"], groups: [sg-t]}}}
`;
}

let bed: TapBed;
beforeAll(async () => {
  bed = new TapBed();
  await bed.guest.says(/^ready$/);
}, 240_000);
afterAll(() => bed?.remove());

describe.each([{ attach: "auto", mode: "native" }] as const)(
  "a guest on a tap with offloads, attached $attach",
  ({ attach, mode }) => {
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
        await expect.poll(apart, { timeout: 3000 }).toEqual({ packets: 0, bytes: 0 });
        const { packets, bytes } = await grown();
        expect(bytes).toBeGreaterThan(received ?? 0);
        expect(bytes / packets).toBeGreaterThan(wire);
      },
      60_000,
    );

    it.each(directions.flatMap((direction) => families.map((family) => ({ direction, family }))))(
      "has its UDP and its fragments pass, $direction, IPv$family",
      async ({ direction, family }) => {
        const before = await bed.counted(direction, "drop");
        for (const size of [1200, 8000]) {
          const port = nextPort++;
          await bed.serve(direction, port);
          expect(await bed.transfer(direction, family, port, `-u -b 8M -n 400K -l ${size}`)).toBeGreaterThan(
            0,
          );
        }
        expect(await bed.counted(direction, "drop")).toEqual(before);
      },
      60_000,
    );
  },
);
