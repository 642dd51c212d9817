/** What a test tells flood.bpf.c. */

/** HEAD_BYTES there. */
const headBytes = 54;

/** struct flood; `template`: what live frames begin with. */
export function encodeFlood(flood: {
  readonly first: number;
  readonly low: number;
  readonly high: number;
  readonly place: number;
  readonly template?: Uint8Array;
}): Uint8Array {
  const value = new Uint8Array(16 + headBytes + 2);
  value.set(new Uint8Array(Uint32Array.of(flood.first, flood.low, flood.high, flood.place).buffer));
  if (flood.template !== undefined) value.set(flood.template.subarray(0, headBytes), 16);
  return value;
}
