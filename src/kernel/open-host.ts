/** The way out: nothing of Ringwall stands on this host any more, and every device is as open as it was before. */
import type { Attachments } from "./attach.ts";
import type { GuestDevices } from "./devices.ts";
import type { DirectForwarding } from "./direct.ts";
import { EnforcementError } from "./errors.ts";
import type { LinkInfo } from "./native.ts";
import type { Pins } from "./pins.ts";

export interface OpenedHost {
  readonly direct: Pick<DirectForwarding, "withdrawAll">;
  readonly attachments: Attachments;
  readonly devices: Pick<GuestDevices, "raiseAll">;
  readonly links: ReadonlyMap<number, LinkInfo>;
}

/**
 * Takes programs, filters and pins away, then sets up what was set down.
 * @throws EnforcementError KERNEL where a device stays down; all others are up then
 */
export function openHost({ direct, attachments, devices, links }: OpenedHost, pins: Pins): void {
  direct.withdrawAll();
  for (const ifindex of attachments.placed.devices) attachments.detach(ifindex);
  pins.removeAll();
  const left = devices.raiseAll(links);
  if (left.length > 0) throw new EnforcementError("KERNEL", left.join("; "));
}
