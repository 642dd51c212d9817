import type { Enforcer } from "../kernel/enforcer.ts";
import type { InForce } from "./apply.ts";
import { describeEvent } from "./describe.ts";
import type { StreamLine } from "./protocol.ts";

export interface EventSource {
  readonly enforcer: Pick<Enforcer, "onEvent" | "status">;
  readonly inForce: () => InForce | null;
}

/** A status costs time that grows with the interfaces; drops come by the hundred a second. */
const versionsFresh = 250;

/** Which events are meant. */
export interface EventFilter {
  /** Left out: of every interface. */
  readonly interface?: string | undefined;
  /** CLOCK_MONOTONIC, ns: the ring buffer holds what came while nobody read it, maybe for days. Left out: that too. */
  readonly since?: bigint;
}

/**
 * Hands the kernel's events on as lines.
 * @returns the function that stops it
 */
export function subscribeToEvents(
  { enforcer, inForce }: EventSource,
  { interface: interfaceId, since = 0n }: EventFilter,
  send: (line: StreamLine) => void,
): () => void {
  let versions = new Map<string, number>();
  let read = Number.NEGATIVE_INFINITY;
  const versionOf = (id: string | null) => {
    if (performance.now() - read > versionsFresh) {
      versions = new Map(enforcer.status().interfaces.map((one) => [one.interface, one.version]));
      read = performance.now();
    }
    return id === null ? undefined : versions.get(id);
  };
  return enforcer.onEvent((event) => {
    if (event.time < since || (interfaceId !== undefined && event.interface !== interfaceId)) return;
    const now = { monotonic: process.hrtime.bigint(), wall: Date.now() };
    send(describeEvent(event, inForce(), { version: versionOf(event.interface), now }));
  });
}
