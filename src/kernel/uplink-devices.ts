/**
 * Uplinks that are here get their program; those that are none any more lose it. A guest's device is none: what its guest
 * sends is judged by the guest's programs, and an uplink's would send it on without them.
 */
import type { Attachments } from "./attach.ts";
import { readDeviceFacts } from "./device-facts.ts";
import { cautionUplink, findBypasses } from "./device-kind.ts";
import { errorText } from "./errors.ts";
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

  /**
   * Where a program does not go on, nothing is dropped early: what comes in is judged at the guest's device. `guests`: by
   * ifindex. What fails at one device keeps no other from being looked after; it is thrown once all were.
   */
  reconcile(
    uplinks: readonly Uplink[],
    links: ReadonlyMap<number, LinkInfo>,
    guests: ReadonlyMap<number, string>,
  ): void {
    const byName = new Map([...links.values()].map((link) => [link.name, link]));
    const bypasses = findBypasses(links.values(), readDeviceFacts);
    const wanted = new Set<number>();
    const failures: Error[] = [];
    for (const { device } of uplinks) {
      const link = byName.get(device);
      if (link === undefined) continue;
      const whyNot = this.#whyNot(link, guests);
      if (whyNot === null) wanted.add(link.ifindex);
      const problem = whyNot ?? this.#attachments.attachUplink(link).problem ?? cautionUplink(link, bypasses);
      if (problem === null) this.#problems.delete(device);
      else this.#problems.set(device, problem);
    }
    for (const ifindex of this.#attachments.placed.devices) {
      if (!this.#attachments.isUplink(ifindex) || wanted.has(ifindex)) continue;
      try {
        this.#attachments.detachUplink(ifindex);
      } catch (error) {
        const name = links.get(ifindex)?.name ?? `device ${ifindex}`;
        failures.push(new Error(`${name} keeps its uplink program: ${errorText(error)}`, { cause: error }));
      }
    }
    const [failure] = failures;
    if (failure !== undefined) throw failure;
  }

  #whyNot({ ifindex, name }: LinkInfo, guests: ReadonlyMap<number, string>): string | null {
    const guest = guests.get(ifindex);
    if (guest !== undefined)
      return `${name} is the device of ${guest}, and so no uplink: take it out of \`uplinks\`, or out of the rules`;
    if (!this.#attachments.isGuest(ifindex)) return null;
    return `${name} was a guest's device, and drops everything until it is released (\`ringwall interface release ${name}\`)`;
  }
}
