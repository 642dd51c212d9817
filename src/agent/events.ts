import type { Enforcer } from "../kernel/enforcer.ts";
import type { InForce } from "./apply.ts";
import { describeEvent } from "./describe.ts";
import type { StreamLine } from "./protocol.ts";

export interface EventSource {
  readonly enforcer: Pick<Enforcer, "onEvent" | "status">;
  readonly inForce: () => InForce | null;
}

/**
 * Hands the kernel's events on as lines, of one interface or of all.
 * @returns the function that stops it
 */
export function subscribeToEvents(
  source: EventSource,
  interfaceId: string | undefined,
  send: (line: StreamLine) => void,
): () => void {
  return source.enforcer.onEvent((event) => {
    if (interfaceId !== undefined && event.interface !== interfaceId) return;
    const version = source.enforcer
      .status()
      .interfaces.find((one) => one.interface === event.interface)?.version;
    const now = { monotonic: process.hrtime.bigint(), wall: Date.now() };
    send(describeEvent(event, source.inForce(), { version, now }));
  });
}
