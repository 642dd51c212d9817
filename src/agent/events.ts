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

/**
 * Hands the kernel's events on as lines, of one interface or of all.
 * @returns the function that stops it
 */
export function subscribeToEvents(
  { enforcer, inForce }: EventSource,
  interfaceId: string | undefined,
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
    if (interfaceId !== undefined && event.interface !== interfaceId) return;
    const now = { monotonic: process.hrtime.bigint(), wall: Date.now() };
    send(describeEvent(event, inForce(), { version: versionOf(event.interface), now }));
  });
}
