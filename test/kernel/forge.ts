/** Commands of the driver: a guest that forges marks, and a look at what came through behind the judging programs. */
import { type BpfLink, type BpfMap, native } from "../../src/kernel/native.ts";

/** Held while the driver lives. */
const links: BpfLink[] = [];
let counted: BpfMap | null = null;

function place(index: number): Uint8Array {
  return new Uint8Array(Uint32Array.of(index).buffer);
}

function load(object: string) {
  const loaded = native().BpfObject.load({ path: object });
  return { loaded, map: loaded.map("forge") };
}

function indexOf(device: string): number {
  const link = native()
    .listLinks()
    .find(({ name }) => name === device);
  if (link === undefined) throw new Error(`no device ${device}`);
  return link.ifindex;
}

export const forge = {
  /** Every frame that comes in on the device goes back with another MAC, behind the mark given (hex, as it lies). */
  async layMark({ object, device, mark }: { object: string; device: string; mark: string }) {
    const { loaded, map } = load(object);
    map.set(place(0), new Uint8Array(Buffer.from(mark, "hex")));
    const ifindex = indexOf(device);
    links.push(loaded.program("lay_mark").attachXdp({ ifindex, mode: "native" }));
    links.push(loaded.program("send_back").attachTcx({ ifindex, direction: "ingress" }));
  },
  /** Counts frames of that MAC behind what judges them. */
  async countForged({ object, device }: { object: string; device: string }) {
    const { loaded, map } = load(object);
    counted = map;
    links.push(loaded.program("count_forged").attachTcx({ ifindex: indexOf(device), direction: "ingress" }));
  },
  /** Somebody else's programs, which end both hooks of the device. */
  async passAll({ object, device, first = false }: { object: string; device: string; first?: boolean }) {
    const { loaded } = load(object);
    for (const direction of ["ingress", "egress"] as const)
      links.push(loaded.program("pass_all").attachTcx({ ifindex: indexOf(device), direction, first }));
  },
  /** The same as clsact filters. */
  async filterAll({ object, device, priority }: { object: string; device: string; priority: number }) {
    const { loaded } = load(object);
    for (const direction of ["ingress", "egress"] as const)
      loaded.program("pass_all").attachTc({ ifindex: indexOf(device), direction, handle: 1, priority });
  },
  async filterNone({ device, priority }: { device: string; priority: number }) {
    for (const direction of ["ingress", "egress"] as const)
      native().detachTc({ ifindex: indexOf(device), direction, handle: 1, priority });
  },
  /** What judges at these pins judges nothing any more; their links stand where they stood. */
  async disarm({ object, pins }: { object: string; pins: readonly string[] }) {
    const { loaded } = load(object);
    for (const pin of pins) {
      const link = native().BpfLink.openPinned(pin);
      link.update(loaded.program("pass_all"));
      link.close();
    }
  },
  passNone: async () => {
    for (const link of links.splice(0)) link.detach();
  },
  forgedCount: async () => {
    const value = counted?.get(place(1));
    return value === undefined ? 0 : Number(Buffer.from(value).readBigUInt64LE());
  },
  /** The mark that a device's frames are to carry, as it lies; `mark`: writes another. */
  async markOf({ root, device, mark }: { root: string; device: string; mark?: string }) {
    const map = native().BpfMap.openPinned(`${root}/current/maps/rw_marks`);
    const key = place(indexOf(device) % map.info.maxEntries);
    if (mark !== undefined) map.set(key, new Uint8Array(Buffer.from(mark, "hex")));
    return Buffer.from(map.get(key) ?? []).toString("hex");
  },
};
