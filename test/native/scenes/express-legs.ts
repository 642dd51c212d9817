/** What scenes of the express way are made of. */
import type { KernelSettings } from "../../../src/kernel/settings.ts";
import type { Family } from "../../../src/model/model.ts";
import type { Setting } from "../../semantics/setting.ts";
import { handshakeOut, into, out, type Step, tcp, udp, type Way } from "../../semantics/steps.ts";

/** A step, and whether its packet goes the express way. */
export interface Leg {
  readonly step: Step;
  readonly express: boolean;
}

export const fast = (...steps: readonly Step[]): Leg[] => steps.map((step) => ({ step, express: true }));
export const slow = (...steps: readonly Step[]): Leg[] => steps.map((step) => ({ step, express: false }));

export const passed = "accept session established";
export const outward = (flags: string, way: Way = {}, expected = passed) =>
  out(tcp("40443>443", flags, { sequence: 1001, acknowledgement: 5001, length: 10 }), expected, way);
export const inward = (flags: string, way: Way = {}, expected = passed) =>
  into(tcp("443>40443", flags, { sequence: 5001, acknowledgement: 1001, length: 10 }), expected, way);

/** An empty IPv6 destination-options header before TCP, and IPv4 options that say nothing. */
export const dressed: Way = {
  ip4: { options: Uint8Array.of(1, 1, 1, 1) },
  ip6: { nextHeader: 60 },
};

export const handshake = slow(...handshakeOut());
export const asked = (from: number) =>
  slow(out(udp(`${from}>53`), "accept default-egress new"), into(udp(`53>${from}`), passed));

export interface ExpressScene {
  readonly claim: string;
  readonly setting: Setting;
  readonly settings?: Partial<KernelSettings>;
  readonly legs: readonly Leg[];
  readonly families?: readonly Family[];
}
