/** What the readers of captures share: the frame, the refusals, the bounds. */

/** A frame of a capture. */
export interface CapturedPacket {
  /** From 1, in the order of the file. */
  readonly number: number;
  /** Seconds since 1970; undefined where the file does not say (pcapng's simple packets). */
  readonly time: number | undefined;
  readonly bytes: Uint8Array;
  /** Length of the frame on the wire, bytes; more than `bytes` holds when the capture cut it. */
  readonly length: number;
}

/** A file that is no capture, or none of Ethernet frames. The message names the place and what to do. */
export class CaptureError extends Error {}

/** Cuts off the frame check sequence, which the kernel's programs never see. */
export function makePacket(
  view: DataView,
  at: {
    number: number;
    time: number | undefined;
    offset: number;
    captured: number;
    length: number;
    fcs: number;
  },
): CapturedPacket {
  const length = Math.max(0, at.length - at.fcs);
  const captured = Math.min(at.captured, length);
  const bytes = new Uint8Array(view.buffer, view.byteOffset + at.offset, captured);
  return { number: at.number, time: at.time, bytes, length };
}

/** LINKTYPE_ETHERNET is 1; the other names are of the captures that people take by mistake. */
export function requireEthernet(linkType: number): void {
  if (linkType === 1) return;
  const names: ReadonlyMap<number, string> = new Map([
    [0, "loopback"],
    [12, "raw IP"],
    [101, "raw IP"],
    [113, "Linux cooked, from `-i any`"],
    [276, "Linux cooked, from `-i any`"],
  ]);
  throw new CaptureError(
    `The capture's link type is ${linkType} (${names.get(linkType) ?? "not Ethernet"}). Interfaces are judged ` +
      "by their Ethernet frames: capture on one device, `tcpdump -i DEVICE -w FILE`.",
  );
}

/** Refuses a file that ends in the middle of something. */
export function requireBytes(view: DataView, offset: number, length: number, what: string): void {
  if (offset + length <= view.byteLength) return;
  throw new CaptureError(
    `The file ends in the middle of ${what}: it has ${view.byteLength} bytes, and ${offset + length} were ` +
      "needed. Was the capture still being written?",
  );
}
