import { describe, expect, it } from "vitest";
import { type CapturedPacket, CaptureError } from "../../../src/cli/capture.ts";
import { readCapture } from "../../../src/cli/pcap.ts";

const frame = Uint8Array.from({ length: 60 }, (_, index) => index);
const seconds = 1_700_000_000;

class Writer {
  readonly #parts: number[] = [];
  readonly #little: boolean;

  constructor(little: boolean) {
    this.#little = little;
  }

  word(value: number, size: 1 | 2 | 4): this {
    const bytes = Array.from({ length: size }, (_, index) => (value / 2 ** (8 * index)) & 0xff);
    this.#parts.push(...(this.#little ? bytes : bytes.reverse()));
    return this;
  }

  bytes(value: Uint8Array): this {
    this.#parts.push(...value);
    return this;
  }

  end(): Uint8Array {
    return Uint8Array.from(this.#parts);
  }
}

interface Shape {
  readonly little: boolean;
  readonly nanoseconds?: boolean;
  readonly network?: number;
  readonly length?: number;
}

function pcap({ little, nanoseconds = false, network = 1, length = frame.length }: Shape): Uint8Array {
  const writer = new Writer(little).word(nanoseconds ? 0xa1b23c4d : 0xa1b2c3d4, 4);
  writer.word(2, 2).word(4, 2).word(0, 4).word(0, 4).word(65535, 4).word(network, 4);
  writer
    .word(seconds, 4)
    .word(nanoseconds ? 250_000_000 : 250_000, 4)
    .word(frame.length, 4)
    .word(length, 4);
  return writer.bytes(frame).end();
}

function block(little: boolean, type: number, body: Uint8Array): Uint8Array {
  const padded = new Uint8Array((body.length + 3) & ~3);
  padded.set(body);
  const length = padded.length + 12;
  return new Writer(little).word(type, 4).word(length, 4).bytes(padded).word(length, 4).end();
}

function section(little: boolean): Uint8Array {
  const body = new Writer(little)
    .word(0x1a2b3c4d, 4)
    .word(1, 2)
    .word(0, 2)
    .word(0xffffffff, 4)
    .word(0xffffffff, 4);
  return block(little, 0x0a0d0d0a, body.end());
}

function description(little: boolean, options: Uint8Array, linkType = 1): Uint8Array {
  return block(little, 1, new Writer(little).word(linkType, 2).word(0, 2).word(0, 4).bytes(options).end());
}

function enhanced(little: boolean, ticks: bigint, index = 0): Uint8Array {
  const body = new Writer(little)
    .word(index, 4)
    .word(Number(ticks >> 32n), 4)
    .word(Number(ticks & 0xffffffffn), 4);
  return block(little, 6, body.word(frame.length, 4).word(frame.length, 4).bytes(frame).end());
}

function concat(...parts: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}

function only(bytes: Uint8Array): CapturedPacket {
  const packets = [...readCapture(bytes)];
  expect(packets).toHaveLength(1);
  const [first] = packets;
  if (first === undefined) throw new Error("no packet");
  return first;
}

const noOptions = new Uint8Array(0);

describe("pcap", () => {
  it.each([
    { little: true, nanoseconds: false },
    { little: true, nanoseconds: true },
    { little: false, nanoseconds: false },
    { little: false, nanoseconds: true },
  ])("is read with byte order and resolution %o", (shape) => {
    const packet = only(pcap(shape));
    expect(packet.bytes).toEqual(frame);
    expect(packet.time).toBeCloseTo(seconds + 0.25, 6);
    expect(packet.number).toBe(1);
  });

  it("says how long a frame was that the capture cut", () => {
    const packet = only(pcap({ little: true, length: 1500 }));
    expect(packet.bytes).toHaveLength(60);
    expect(packet.length).toBe(1500);
  });

  it("takes the frame check sequence off, where the header says that there is one", () => {
    // Bit 26 says that the length is known, bits 28 to 31 give it in 16-bit words.
    const packet = only(pcap({ little: true, network: (0x24000000 | 1) >>> 0 }));
    expect(packet.bytes).toEqual(frame.subarray(0, 56));
    expect(packet.length).toBe(56);
  });

  it("refuses a file that ends in a packet, and names the packet", () => {
    expect(() => only(pcap({ little: true }).subarray(0, 70))).toThrow(/in the middle of packet 1/);
    expect(() => only(pcap({ little: true }).subarray(0, 30))).toThrow(/in the middle of packet 1/);
  });

  it("refuses another link type, and says how to capture", () => {
    expect(() => only(pcap({ little: true, network: 113 }))).toThrow(/link type is 113 .*tcpdump -i DEVICE/);
  });

  it("refuses what is no capture", () => {
    expect(() => [
      ...readCapture(new TextEncoder().encode("version: 1\nnetworks: {}\ngroups: {}\n")),
    ]).toThrow(CaptureError);
    expect(() => [...readCapture(new Uint8Array(3))]).toThrow(/shorter than a header/);
  });

  it("has no packet where there is only a header", () => {
    expect([...readCapture(pcap({ little: true }).subarray(0, 24))]).toEqual([]);
  });
});

describe("pcapng", () => {
  it.each([true, false])(
    "is read with microseconds where nothing else is said (little endian: %s)",
    (little) => {
      const ticks = BigInt(seconds) * 1_000_000n + 250_000n;
      const packet = only(concat(section(little), description(little, noOptions), enhanced(little, ticks)));
      expect(packet.bytes).toEqual(frame);
      expect(packet.time).toBeCloseTo(seconds + 0.25, 6);
    },
  );

  it("follows the interface's resolution and offset", () => {
    const options = new Writer(true)
      .word(9, 2)
      .word(1, 2)
      .word(9, 4)
      .word(14, 2)
      .word(8, 2)
      .word(100, 4)
      .word(0, 4);
    const ticks = BigInt(seconds) * 1_000_000_000n;
    const packet = only(concat(section(true), description(true, options.end()), enhanced(true, ticks)));
    expect(packet.time).toBeCloseTo(seconds + 100, 6);
  });

  it("follows a resolution that is a power of two", () => {
    const options = new Writer(true)
      .word(9, 2)
      .word(1, 2)
      .word(0x80 | 10, 4)
      .end();
    const packet = only(
      concat(section(true), description(true, options), enhanced(true, BigInt(seconds) * 1024n)),
    );
    expect(packet.time).toBe(seconds);
  });

  it("begins anew with each section, in its byte order", () => {
    const ticks = BigInt(seconds) * 1_000_000n;
    const parts = [true, false].map((little) =>
      concat(section(little), description(little, noOptions), enhanced(little, ticks)),
    );
    expect([...readCapture(concat(...parts))].map(({ number, time }) => [number, time])).toEqual([
      [1, seconds],
      [2, seconds],
    ]);
  });

  it("passes over blocks that it does not know, and reads simple packets", () => {
    const simple = block(true, 3, new Writer(true).word(frame.length, 4).bytes(frame).end());
    const unknown = block(true, 0x0bad, Uint8Array.of(1, 2, 3));
    const packet = only(concat(section(true), description(true, noOptions), unknown, simple));
    expect(packet.bytes).toEqual(frame);
    expect(packet.time).toBeUndefined();
  });

  it("refuses a packet of an interface that is not described, or not Ethernet", () => {
    expect(() => only(concat(section(true), enhanced(true, 0n, 3)))).toThrow(/names interface 3/);
    expect(() => only(concat(section(true), description(true, noOptions, 101), enhanced(true, 0n)))).toThrow(
      /raw IP/,
    );
  });

  it("refuses damaged blocks instead of walking on", () => {
    const zeroLength = new Writer(true).word(6, 4).word(0, 4).word(0, 4).end();
    expect(() => [...readCapture(concat(section(true), zeroLength))]).toThrow(/damaged/);
    const cut = concat(section(true), description(true, noOptions), enhanced(true, 0n)).subarray(0, 100);
    expect(() => [...readCapture(cut)]).toThrow(/in the middle of the block at byte/);
  });
});
