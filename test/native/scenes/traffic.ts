/** What scenes of whole programs send: between two guests and what is behind the uplink, at each hook. */
import type { Family } from "../../../src/model/model.ts";
import { addressOf, placeOfInterface } from "../../semantics/places.ts";
import type { Setting } from "../../semantics/setting.ts";
import { gatewayMac } from "../../support/bed.ts";
import { ethernet, frame, ipv4, ipv6, type Layer, payload, tcp, udp } from "../../support/packet.ts";
import { device, Machine, mark, type Run } from "./machine.ts";

/** Who sends and receives: a guest, or what is behind the uplink. */
export const me = { name: "me", mac: placeOfInterface("eni-1").mac } as const;
export const mate = { name: "mate", mac: placeOfInterface("eni-2").mac } as const;
export const peer = { name: "peer", mac: gatewayMac } as const;
export interface End {
  readonly name: string;
  readonly mac: string;
}

export function ipOf(from: End, to: End, family: Family): Layer {
  const ends = { source: addressOf(from.name, family), destination: addressOf(to.name, family) };
  return family === 4 ? ipv4(ends) : ipv6(ends);
}

/** A frame of IP from one end to another. */
export function between(from: End, to: End, family: Family, ...layers: readonly Layer[]): Uint8Array {
  const link = ethernet({ source: from.mac, destination: to.mac });
  return frame(link, ipOf(from, to, family), ...layers);
}

/** UDP to the open port, short or with so many bytes. */
export const datagram = (size = 10, fields: { readonly checksum?: number } = {}): readonly Layer[] => [
  udp({ sourcePort: 5000, destinationPort: 53, ...fields }),
  payload(Uint8Array.from({ length: size }, (_, index) => 255 - (index % 251))),
];
export const setting: Setting = {
  group: { innerAccess: "drop" },
  rules: ["0.0.0.0/0", "::/0"].flatMap((any) => [
    `ingress accept udp 53/53 ${any}`,
    `ingress accept tcp 80/80 ${any}`,
    `ingress accept ${any === "::/0" ? "icmpv6" : "icmpv4"} ${any}`,
  ]),
};

/** What is said of the machine before, and what is run then. */
export interface Scene {
  readonly claim: string;
  readonly setting?: Setting;
  readonly set?: (machine: Machine) => unknown;
  readonly runs: readonly Run[];
}

export const at = (
  program: Run["program"],
  where: number,
  bytes: Uint8Array,
  expected: string,
  more = {},
): Run => ({
  program,
  device: where,
  frame: bytes,
  expected,
  ...more,
});
export const families = [4, 6] as const;
export const bridged = (bytes: Uint8Array, expected: string, more = {}) =>
  at("guest_xdp", device.one, bytes, expected, more);
export const fromWan = (bytes: Uint8Array, expected: string, more = {}) =>
  at("uplink_xdp", device.wan, bytes, expected, more);
export const withSkb = (bytes: Uint8Array, expected: string, more = {}) =>
  at("guest_tc_ingress", device.one, bytes, expected, { meta: mark, ...more });

export const learnt = (machine: Machine) => machine.learn();
export const sent = `to ${device.two}`;
export const leaves = "eni-1 egress accept default-egress";
export const goesOn = "eni-1 egress accept session";
export const arrives = "eni-2 ingress accept rule";
export const isThere = "eni-2 ingress accept session";

export const toMate = (family: Family, ...layers: readonly Layer[]) => between(me, mate, family, ...layers);
export const web = (fields = {}) => tcp({ sourcePort: 5000, destinationPort: 80, flags: "S", ...fields });

export const wanToMe = (family: Family, ...layers: readonly Layer[]) => between(peer, me, family, ...layers);
export const toMe = `to ${device.one}`;
export const accepted = "eni-1 ingress accept rule";
export const known = "eni-1 ingress accept session";

export interface SaidMachine {
  readonly claim: string;
  readonly text: string;
  readonly machine: Machine;
}

export async function sayScenes(scenes: readonly Scene[]): Promise<readonly SaidMachine[]> {
  const said: SaidMachine[] = [];
  for (const scene of scenes) {
    const machine = await Machine.make(scene.setting ?? setting);
    scene.set?.(machine);
    for (const run of scene.runs) machine.run(run);
    said.push({ claim: scene.claim, text: machine.bench.script.text, machine });
  }
  return said;
}
