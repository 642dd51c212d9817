/** Flows that a test run's packets are of: targets times local ports (vary.h), and the frame that they are written into. */
import { SessionKeyStruct } from "../../src/kernel/layout.gen.ts";
import { addressBytes, ethernet, frame, ipv4, ipv6, macBytes, payload, tcp } from "../support/packet.ts";

export const ipFamilies = ["ipv4", "ipv6"] as const;
export type IpFamily = (typeof ipFamilies)[number];

/** One end: a guest's address, a peer's address and port. */
export interface Target {
  readonly mac: string;
  readonly local: string;
  readonly remote: string;
  readonly remotePort: number;
  /** Interface whose guest sends it. */
  readonly interface: string;
  /** Table of the floor that its sessions are in, where it has many. */
  readonly table: number;
}

export interface Flows {
  readonly family: IpFamily;
  readonly targets: readonly Target[];
  readonly localPorts: number;
}

export const firstPort = 1025;
/** Local ports that one target has, at most. */
export const portsMax = 50_000;
const tcpNumber = 6;

export const countOf = ({ targets, localPorts }: Flows): number => targets.length * localPorts;

/** A segment of any of the flows; vary writes the rest. */
export function buildFrame({ family, targets }: Flows, flags: "S" | "A"): Uint8Array {
  const [target] = targets;
  if (target === undefined) throw new Error("flows of no target");
  const addresses = { source: target.local, destination: target.remote };
  return frame(
    ethernet({ source: target.mac, destination: "02:00:00:00:00:01" }),
    family === "ipv4" ? ipv4(addresses) : ipv6(addresses),
    tcp({
      sourcePort: firstPort,
      destinationPort: target.remotePort,
      flags,
      sequence: 1001,
      acknowledgement: 5001,
    }),
    payload(10),
  );
}

function mapped(address: string): Uint8Array {
  const bytes = addressBytes(address);
  return bytes.length === 16 ? bytes : Uint8Array.of(...new Array(10).fill(0), 255, 255, ...bytes);
}

/** struct target of varied.bpf.c; `record` 0 leaves the device's word as it is. */
export function encodeTargets(targets: readonly Target[], recordOf: (id: string) => number): Uint8Array {
  const size = 48;
  const bytes = new Uint8Array(targets.length * size);
  const view = new DataView(bytes.buffer);
  targets.forEach((target, index) => {
    const at = index * size;
    bytes.set(addressBytes(target.local), at);
    bytes.set(addressBytes(target.remote), at + 16);
    bytes.set(macBytes(target.mac), at + 32);
    view.setUint16(at + 38, target.remotePort, false);
    view.setUint32(at + 40, recordOf(target.interface), true);
    view.setUint32(at + 44, target.table, true);
  });
  return bytes;
}

/** Keys of the sessions of one target, end to end. */
export function encodeKeys(target: Target, localPorts: number): Uint8Array {
  const key = SessionKeyStruct.encode({
    local: mapped(target.local),
    remote: mapped(target.remote),
    localPort: 0,
    remotePort: target.remotePort,
    protocol: tcpNumber,
    kind: 0,
  });
  const keys = new Uint8Array(localPorts * SessionKeyStruct.SIZE);
  const view = new DataView(keys.buffer);
  for (let index = 0; index < localPorts; index++) {
    keys.set(key, index * SessionKeyStruct.SIZE);
    view.setUint16(index * SessionKeyStruct.SIZE + 32, firstPort + index, false);
  }
  return keys;
}
