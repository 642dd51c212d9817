/** A flood from another thread, on another CPU where there is one, while the test's own thread does something else. */
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import { native } from "../../src/kernel/native.ts";
import type { FloodBed } from "./flood-bed.ts";
import { encodeFlood } from "./flood-config.ts";
import { flooder, type Step } from "./flood-kinds.ts";
import { FloodSource } from "./flood-source.ts";

const addonPath = fileURLToPath(new URL("../../build/ringwall.node", import.meta.url));

/** Sends its packets again and again until it is told to stop; says when it begins, and how many it sent. */
const source = `
  const { parentPort, workerData } = require("node:worker_threads");
  const { BpfMap, BpfProgram } = require(workerData.addon);
  const flood = BpfMap.openPinned(workerData.map);
  const program = BpfProgram.openPinned(workerData.program);
  const stop = new Int32Array(workerData.stop);
  let sent = 0;
  do {
    flood.set(new Uint8Array(4), workerData.flood);
    program.testRun({ data: workerData.packet, repeat: workerData.packets, ifindex: 1 });
    if (sent === 0) parentPort.postMessage("begun");
    sent += workerData.packets;
  } while (Atomics.load(stop, 0) === 0);
  flood.close();
  program.close();
  parentPort.postMessage(sent);
`;

export interface FloodBeside {
  /** Returns how many packets it sent, the last ones judged. */
  stop(): Promise<number>;
}

/**
 * Packets 0 to `packets - 1` of a step from the flooder (egress), again and again until it is stopped; settles when
 * the first of them were judged.
 */
export async function floodBeside(bed: FloodBed, step: Step, packets: number): Promise<FloodBeside> {
  const root = mkdtempSync(join(tmpdir(), "ringwall-beside-"));
  bed.stand(flooder.id);
  const flood = new FloodSource(bed);
  native().mountBpffs(root);
  const release = () => {
    flood.close();
    execFileSync("umount", [root]);
    rmSync(root, { recursive: true });
  };
  try {
    const pins = { map: join(root, "flood"), program: join(root, "flood_xdp") };
    flood.pin(pins);
    const stop = new SharedArrayBuffer(4);
    const { template: packet, low, high } = step;
    const config = encodeFlood({ first: 0, low, high, place: 0 });
    const workerData = { ...pins, addon: addonPath, stop, flood: config, packet, packets };
    const worker = new Worker(source, { eval: true, workerData });
    await once(worker, "message");
    return {
      async stop() {
        try {
          return await end(worker, stop);
        } finally {
          release();
        }
      },
    };
  } catch (error) {
    release();
    throw error;
  }
}

async function end(worker: Worker, stop: SharedArrayBuffer): Promise<number> {
  const [said, ended] = [once(worker, "message"), once(worker, "exit")];
  Atomics.store(new Int32Array(stop), 0, 1);
  const [sent] = await said;
  await ended;
  return Number(sent);
}
