/** The state of each interface, uplink and map as status reports it. */
import type { ResolvedInterface } from "../policy/types.ts";
import type { Attachments } from "./attach.ts";
import type { GuestDevices } from "./devices.ts";
import { digest64 } from "./digest.ts";
import type { SyncEngine } from "./engine.ts";
import type { LinkInfo } from "./native.ts";
import type { Uplink } from "./settings.ts";
import type { InterfaceState, InterfaceStatus, UplinkStatus } from "./status.ts";

export interface Described {
  readonly engine: SyncEngine;
  readonly attachments: Attachments;
  readonly devices: GuestDevices;
  readonly links: ReadonlyMap<number, LinkInfo>;
}

/** `observes`: none of its groups enforces. */
export function describeInterface(
  { engine, attachments, devices, links }: Described,
  { interface: source, policy }: ResolvedInterface,
  observes: boolean,
): InterfaceStatus {
  const { known } = engine;
  const number = known.numbers.get(digest64(source.id)) ?? 0;
  const struct = known.records.get(known.live.get(number) ?? -1)?.struct;
  const word = struct === undefined ? undefined : known.slots.get(struct.slot);
  const ifindex = [...devices.bindings].find(([, id]) => id === source.id)?.[0] ?? 0;
  const problem = devices.problemOf(ifindex);
  const link = links.get(ifindex);
  const attached = attachments.describe(ifindex);
  return {
    interface: source.id,
    number,
    device: link?.name ?? source.device,
    ifindex,
    state: stateOf(ifindex, problem, devices.isReady(ifindex), observes),
    mode: attached.mode,
    programs: attached.programs,
    policy,
    version: word?.version ?? 0,
    generation: Math.max(struct?.generation ?? 0, word?.generation ?? 0),
    tables: engine.tables.fills(number),
    problem: problem ?? describeAbsence(source.device, link),
  };
}

function stateOf(ifindex: number, problem: string | null, ready: boolean, observes: boolean): InterfaceState {
  if (ifindex === 0) return "absent";
  if (problem !== null) return "failed";
  if (!ready) return "not-ready";
  return observes ? "observing" : "enforcing";
}

function describeAbsence(device: string, link: LinkInfo | undefined): string | null {
  if (link === undefined) return `no device ${device} on this host yet`;
  return link.name === device ? null : `the device was renamed from ${device} to ${link.name}`;
}

export function describeUplink(
  { attachments, engine, links }: Described,
  { device }: Uplink,
  problem: string | null,
): UplinkStatus {
  const ifindex = [...links.values()].find(({ name }) => name === device)?.ifindex ?? 0;
  const prefix = String.fromCharCode(
    ifindex & 0xff,
    (ifindex >> 8) & 0xff,
    (ifindex >> 16) & 0xff,
    ifindex >>> 24,
  );
  return {
    device,
    ifindex,
    mode: attachments.uplinkMode(ifindex),
    addresses: [...engine.known.uplinks.keys()].filter((key) => key.startsWith(prefix)).length,
    problem: ifindex === 0 ? `no device ${device} on this host: nothing is dropped early` : problem,
  };
}
