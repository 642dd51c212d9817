/** Blocks of pcapng: which ones hold frames, and what the others say about them. */
import { type CapturedPacket, CaptureError, makePacket, requireBytes, requireEthernet } from "./capture.ts";

const SECTION = 0x0a0d0d0a;
const INTERFACE = 1;
const OLD_PACKET = 2;
const SIMPLE_PACKET = 3;
const ENHANCED_PACKET = 6;
const BYTE_ORDER = 0x1a2b3c4d;
const OPTION_RESOLUTION = 9;
const OPTION_FCS = 13;
const OPTION_OFFSET = 14;

interface CaptureInterface {
  readonly linkType: number;
  /** Longest frame kept, bytes; 0: no bound. */
  readonly snapLength: number;
  /** Units of a timestamp in a second. */
  readonly perSecond: number;
  /** Seconds to add to a timestamp. */
  readonly offset: number;
  readonly fcs: number;
}

interface Block {
  readonly type: number;
  readonly start: number;
  readonly body: number;
  readonly length: number;
}

/** Yields the frames of a pcapng file; interfaces and byte order begin anew with each section. */
export function* readPcapng(view: DataView): Generator<CapturedPacket> {
  let little = true;
  let interfaces: CaptureInterface[] = [];
  let number = 0;
  for (let offset = 0; offset < view.byteLength; ) {
    if (offset + 12 <= view.byteLength && view.getUint32(offset) === SECTION) {
      little = readByteOrder(view, offset);
      interfaces = [];
    }
    const block = readBlock(view, offset, little);
    if (block.type === INTERFACE) interfaces.push(readInterface(view, block, little));
    const packet = readPacket(view, block, little, interfaces, number + 1);
    if (packet !== undefined) {
      number++;
      yield packet;
    }
    offset += block.length;
  }
}

function readByteOrder(view: DataView, offset: number): boolean {
  for (const little of [true, false]) {
    if (view.getUint32(offset + 8, little) === BYTE_ORDER) return little;
  }
  throw new CaptureError(`The section at byte ${offset} does not say its byte order: the file is damaged.`);
}

function readBlock(view: DataView, start: number, little: boolean): Block {
  requireBytes(view, start, 12, `the block at byte ${start}`);
  const length = view.getUint32(start + 4, little);
  if (length < 12 || length % 4 !== 0) {
    throw new CaptureError(
      `The block at byte ${start} says that it has ${length} bytes: the file is damaged.`,
    );
  }
  requireBytes(view, start, length, `the block at byte ${start}`);
  return { type: view.getUint32(start, little), start, body: start + 8, length };
}

/** Refuses a block that is shorter than its fixed part. */
function requireBody(block: Block, bytes: number): void {
  if (block.length - 12 >= bytes) return;
  throw new CaptureError(`The block at byte ${block.start} is too short for its type: the file is damaged.`);
}

function readInterface(view: DataView, block: Block, little: boolean): CaptureInterface {
  requireBody(block, 8);
  let perSecond = 1e6;
  let offset = 0;
  let fcs = 0;
  const end = block.start + block.length - 4;
  for (let at = block.body + 8; at + 4 <= end; ) {
    const code = view.getUint16(at, little);
    const length = view.getUint16(at + 2, little);
    if (code === 0 || at + 4 + length > end) break;
    if (code === OPTION_RESOLUTION && length === 1) perSecond = readResolution(view.getUint8(at + 4));
    if (code === OPTION_OFFSET && length === 8) offset = Number(view.getBigInt64(at + 4, little));
    if (code === OPTION_FCS && length === 1) fcs = view.getUint8(at + 4);
    at += 4 + ((length + 3) & ~3);
  }
  const snapLength = view.getUint32(block.body + 4, little);
  return { linkType: view.getUint16(block.body, little), snapLength, perSecond, offset, fcs };
}

/** The upper bit says whether the rest is a negative power of 2 or of 10. */
function readResolution(value: number): number {
  return (value & 0x80) === 0 ? 10 ** value : 2 ** (value & 0x7f);
}

function readPacket(
  view: DataView,
  block: Block,
  little: boolean,
  interfaces: readonly CaptureInterface[],
  number: number,
): CapturedPacket | undefined {
  switch (block.type) {
    case ENHANCED_PACKET:
    case OLD_PACKET: {
      requireBody(block, 20);
      // The old block has a count of drops where the enhanced one has the upper half of the interface's number.
      const index =
        block.type === OLD_PACKET ? view.getUint16(block.body, little) : view.getUint32(block.body, little);
      const source = findInterface(interfaces, index, number);
      const high = view.getUint32(block.body + 4, little);
      const ticks = high * 2 ** 32 + view.getUint32(block.body + 8, little);
      const captured = view.getUint32(block.body + 12, little);
      requireBody(block, 20 + captured);
      const time = ticks / source.perSecond + source.offset;
      const length = view.getUint32(block.body + 16, little);
      return makePacket(view, { number, time, offset: block.body + 20, captured, length, fcs: source.fcs });
    }
    case SIMPLE_PACKET: {
      requireBody(block, 4);
      const source = findInterface(interfaces, 0, number);
      const length = view.getUint32(block.body, little);
      const room = Math.min(block.length - 16, source.snapLength || Number.POSITIVE_INFINITY);
      const captured = Math.min(length, room);
      return makePacket(view, {
        number,
        time: undefined,
        offset: block.body + 4,
        captured,
        length,
        fcs: source.fcs,
      });
    }
    default:
      return undefined;
  }
}

function findInterface(
  interfaces: readonly CaptureInterface[],
  index: number,
  number: number,
): CaptureInterface {
  const found = interfaces[index];
  if (found === undefined) {
    throw new CaptureError(`Packet ${number} names interface ${index}, which the file does not describe.`);
  }
  requireEthernet(found.linkType);
  return found;
}
