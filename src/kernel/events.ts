/** Events of the ring buffer: what was dropped, and what observed groups would have dropped. */
import type { Address } from "../model/model.ts";
import { decodeAddress, formatMac } from "./addresses.ts";
import { Action, Direction, EventStruct, Hook, RuleNumber } from "./layout.gen.ts";
import { reasonName } from "./names.ts";
import { type BpfMap, native, type RingBuffer } from "./native.ts";
import type { PacketEvent } from "./status.ts";

const hooks: ReadonlyMap<number, PacketEvent["hook"]> = new Map([
  [Hook.HOOK_XDP, "xdp"],
  [Hook.HOOK_TC_EGRESS, "tc-egress"],
  [Hook.HOOK_TC_INGRESS, "tc-ingress"],
  [Hook.HOOK_UPLINK, "uplink"],
]);

function addressOf(bytes: Uint8Array): Address | null {
  return bytes.every((byte) => byte === 0) ? null : decodeAddress(bytes);
}

/** `nameOf`: an interface's id by its digest, null where it is no longer in the model. */
export function decodeEvent(bytes: Uint8Array, nameOf: (digest: bigint) => string | null): PacketEvent {
  const event = EventStruct.decode(bytes);
  return {
    time: event.time,
    interface: nameOf(event.interface),
    direction: event.direction === Direction.EGRESS ? "egress" : "ingress",
    verdict: event.action === Action.ACCEPT ? "accept" : "drop",
    reason: reasonName(event.reason),
    hook: hooks.get(event.hook) ?? "xdp",
    rule: event.rule === RuleNumber.RULE_NONE ? null : event.rule,
    version: event.version,
    length: event.length,
    sourceMac: formatMac(event.sourceMac),
    destinationMac: formatMac(event.destinationMac),
    etherType: event.ethertype,
    protocol: event.protocol,
    tcpFlags: event.tcpFlags,
    source: addressOf(event.source),
    destination: addressOf(event.destination),
    sourcePort: event.sourcePort,
    destinationPort: event.destinationPort,
    icmpType: event.icmpType,
    icmpCode: event.icmpCode,
  };
}

/** Reads the ring buffer while somebody listens: an idle agent leaves it to fill up. */
export class EventReader {
  readonly #map: BpfMap;
  readonly #nameOf: (digest: bigint) => string | null;
  readonly #listeners = new Set<(event: PacketEvent) => void>();
  #ring: RingBuffer | null = null;

  constructor(map: BpfMap, nameOf: (digest: bigint) => string | null) {
    this.#map = map;
    this.#nameOf = nameOf;
  }

  /** Returns the function that stops it. */
  listen(listener: (event: PacketEvent) => void): () => void {
    this.#listeners.add(listener);
    this.#ring ??= new (native().RingBuffer)(this.#map, (record) => this.#pass(record));
    return () => {
      this.#listeners.delete(listener);
      if (this.#listeners.size === 0) this.close();
    };
  }

  #pass(record: Uint8Array): void {
    const event = decodeEvent(record, this.#nameOf);
    for (const listener of this.#listeners) listener(event);
  }

  close(): void {
    this.#ring?.close();
    this.#ring = null;
  }
}
