/**
 * Captures: pcap (savefile format of libpcap, `man pcap-savefile`) and pcapng (draft-ietf-opsawg-pcapng).
 *
 *   pcap    header (24) | record header (16) frame | record header (16) frame | …
 *   pcapng  block: type (4) length (4) body … length (4); section header, interfaces, packets, others
 *
 * Both are read in either byte order, with microseconds, nanoseconds or any resolution that pcapng allows.
 */
import { type CapturedPacket, CaptureError, makePacket, requireBytes, requireEthernet } from "./capture.ts";
import { readPcapng } from "./pcapng.ts";

const MAGIC_MICROSECONDS = 0xa1b2c3d4;
const MAGIC_NANOSECONDS = 0xa1b23c4d;
const MAGIC_PCAPNG = 0x0a0d0d0a;
const HEADER_BYTES = 24;
const RECORD_BYTES = 16;

/** Yields the frames of a capture. Throws CaptureError at the place where the file cannot be read on. */
export function* readCapture(bytes: Uint8Array): Generator<CapturedPacket> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.byteLength >= 4 && view.getUint32(0) === MAGIC_PCAPNG) {
    yield* readPcapng(view);
    return;
  }
  if (view.byteLength < HEADER_BYTES) {
    throw new CaptureError(
      "This is no capture: it is shorter than a header. Write one with `tcpdump -i DEVICE -w FILE`.",
    );
  }
  yield* readPcap(view);
}

function* readPcap(view: DataView): Generator<CapturedPacket> {
  const { little, nanoseconds } = readMagic(view);
  const network = view.getUint32(20, little);
  requireEthernet(network & 0xffff);
  // Bit 26: the upper four bits say how many 16-bit words of FCS stand behind each frame.
  const fcs = (network & 0x04000000) === 0 ? 0 : (network >>> 28) * 2;
  let offset = HEADER_BYTES;
  for (let number = 1; offset < view.byteLength; number++) {
    requireBytes(view, offset, RECORD_BYTES, `packet ${number}`);
    const captured = view.getUint32(offset + 8, little);
    requireBytes(view, offset + RECORD_BYTES, captured, `packet ${number}`);
    const fraction = view.getUint32(offset + 4, little);
    yield makePacket(view, {
      number,
      time: view.getUint32(offset, little) + fraction / (nanoseconds ? 1e9 : 1e6),
      offset: offset + RECORD_BYTES,
      captured,
      length: view.getUint32(offset + 12, little),
      fcs,
    });
    offset += RECORD_BYTES + captured;
  }
}

function readMagic(view: DataView): { little: boolean; nanoseconds: boolean } {
  for (const little of [true, false]) {
    const magic = view.getUint32(0, little);
    if (magic === MAGIC_MICROSECONDS) return { little, nanoseconds: false };
    if (magic === MAGIC_NANOSECONDS) return { little, nanoseconds: true };
  }
  const found = view.getUint32(0).toString(16).padStart(8, "0");
  throw new CaptureError(
    `This is no capture: it begins with ${found}, which is neither pcap nor pcapng. Is it compressed?`,
  );
}
