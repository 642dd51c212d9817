/** Uplinks that are here get their program; those that are none any more lose it. */
import type { Attachments } from "./attach.ts";
import { readDeviceFacts } from "./device-facts.ts";
import { cautionUplink, findBypasses } from "./device-kind.ts";
import type { LinkInfo } from "./native.ts";
import type { Uplink } from "./settings.ts";

export class UplinkDevices {
  readonly #attachments: Attachments;
  /** Device name -> why it has no program, or what passes it by. */
  readonly #problems = new Map<string, string>();

  constructor(attachments: Attachments) {
    this.#attachments = attachments;
  }

  problemOf(device: string): string | null {
    return this.#problems.get(device) ?? null;
  }

  /** Where a program does not go on, nothing is dropped early: what comes in is judged at the guest's device. */
  reconcile(uplinks: readonly Uplink[], links: ReadonlyMap<number, LinkInfo>): void {
    const byName = new Map([...links.values()].map((link) => [link.name, link]));
    const bypasses = findBypasses(links.values(), readDeviceFacts);
    const wanted = new Set<number>();
    for (const { device } of uplinks) {
      const link = byName.get(device);
      if (link === undefined) continue;
      wanted.add(link.ifindex);
      const problem = this.#attachments.attachUplink(link).problem ?? cautionUplink(link, bypasses);
      if (problem === null) this.#problems.delete(device);
      else this.#problems.set(device, problem);
    }
    for (const ifindex of this.#attachments.placed.devices) {
      if (!this.#attachments.isUplink(ifindex) || wanted.has(ifindex)) continue;
      this.#attachments.detach(ifindex);
    }
  }
}
