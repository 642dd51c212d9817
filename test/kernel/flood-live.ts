/** A command of the driver: a flood as live frames, sent by a device of the driver's namespace. */
import { indexKey } from "../../src/kernel/maps.ts";
import { native } from "../../src/kernel/native.ts";
import { encodeFlood } from "./flood-config.ts";

export interface LiveFlood {
  /** flood.bpf.c, compiled. */
  readonly object: string;
  readonly device: string;
  /** Hex; places and numbers as in flood.bpf.c. */
  readonly template: string;
  readonly low: number;
  readonly high: number;
  readonly first: number;
  readonly packets: number;
}

/** Settles when the last frame is with the device at the other end. */
export async function sendFlood(flood: LiveFlood): Promise<void> {
  const object = native().BpfObject.load({ path: flood.object, programs: ["flood_live"] });
  const program = object.program("flood_live");
  const map = object.map("flood");
  object.close();
  try {
    const template = new Uint8Array(Buffer.from(flood.template, "hex"));
    map.set(indexKey(0), encodeFlood({ ...flood, place: 0, template }));
    const link = native()
      .listLinks()
      .find(({ name }) => name === flood.device);
    if (link === undefined) throw new Error(`no device ${flood.device}`);
    await program.liveFrames({ data: template, repeat: flood.packets, ifindex: link.ifindex });
  } finally {
    map.close();
    program.close();
  }
}
