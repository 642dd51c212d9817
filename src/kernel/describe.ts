/** The state of each interface, uplink and map as status reports it. */
import { uptime } from "node:os";
import type { ResolvedInterface } from "../policy/types.ts";
import type { Attachments } from "./attach.ts";
import { describeAbsence } from "./device-kind.ts";
import type { GuestDevices } from "./devices.ts";
import { digest64 } from "./digest.ts";
import type { DirectForwarding } from "./direct.ts";
import type { SyncEngine } from "./engine.ts";
import type { Hold } from "./hold.ts";
import type { HostModel } from "./host-model.ts";
import type { LinkInfo } from "./native.ts";
import type { TableCounters } from "./pressure.ts";
import type { KernelSettings, Uplink } from "./settings.ts";
import type {
  ConfirmationStatus,
  InterfaceState,
  InterfaceStatus,
  KernelStatus,
  UplinkStatus,
} from "./status.ts";
import type { UplinkDevices } from "./uplink-devices.ts";
import { whyTagsHidden } from "./vlan-tags.ts";

export interface Described {
  readonly engine: SyncEngine;
  readonly attachments: Attachments;
  readonly devices: GuestDevices;
  readonly uplinks: UplinkDevices;
  readonly direct: DirectForwarding;
  readonly links: ReadonlyMap<number, LinkInfo>;
  readonly model: Pick<HostModel, "inForce" | "smallerTables">;
  readonly settings: KernelSettings;
}

export function describeKernel(
  described: Described,
): Omit<KernelStatus, "adopted" | "object" | "hz" | "guard"> {
  const { engine, devices, links, settings, model } = described;
  return {
    generation: engine.known.generation,
    smallerTables: model.smallerTables,
    interfaces: describeInterfaces(described),
    removed: devices.removed.map((ifindex) => ({ ifindex, device: links.get(ifindex)?.name ?? "" })),
    uplinks: settings.uplinks.map((uplink) => describeUplink(described, uplink)),
    maps: engine.fill,
    proof: engine.proofStatus,
    leftovers: engine.lastCleaningError,
  };
}

/** A change that is to be confirmed, or was; null: there is none. */
export function describeConfirmation(hold: Hold | null): ConfirmationStatus | null {
  if (hold === null) return null;
  const { state, deadline_seconds } = hold.confirmation;
  const remaining_seconds = state === "waiting" ? Math.max(0, deadline_seconds - uptime()) : 0;
  return { state, remaining_seconds };
}

export function describeInterfaces(described: Described): readonly InterfaceStatus[] {
  const { model, devices } = described;
  if (model.inForce === null) return [];
  const { resolved } = model.inForce;
  // Before each is described: one read for all.
  const counters = described.engine.tables.readCounters();
  const ifindexes = new Map([...devices.bindings].map(([ifindex, id]) => [id, ifindex]));
  return resolved.interfaces.map((each) => {
    const observes = each.interface.groups.every((id) => resolved.model.groups.get(id)?.mode === "observe");
    return describeInterface(described, each, ifindexes.get(each.interface.id) ?? 0, observes, counters);
  });
}

/** `ifindex`: of its device, 0 where there is none. `observes`: none of its groups enforces. */
function describeInterface(
  { engine, attachments, devices, direct, links }: Described,
  { interface: source, policy }: ResolvedInterface,
  ifindex: number,
  observes: boolean,
  counters: TableCounters,
): InterfaceStatus {
  const number = engine.known.numbers.get(digest64(source.id)) ?? 0;
  const { version, generation } = engine.policyOf(source.id) ?? { version: 0, generation: 0 };
  const problem = devices.problemOf(ifindex) ?? devices.foreignOf(ifindex);
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
    version,
    generation,
    proven: engine.provenAt(version)?.toISOString() ?? null,
    tables: engine.tables.fills(number, counters),
    forwarding: direct.statusOf(source.id),
    problem: problem ?? describeAbsence(source.device, link) ?? devices.cautionOf(ifindex),
  };
}

function stateOf(ifindex: number, problem: string | null, ready: boolean, observes: boolean): InterfaceState {
  if (ifindex === 0) return "absent";
  if (problem !== null) return "failed";
  if (!ready) return "not-ready";
  return observes ? "observing" : "enforcing";
}

function describeUplink(
  { attachments, engine, links, uplinks }: Described,
  { device }: Uplink,
): UplinkStatus {
  const link = [...links.values()].find(({ name }) => name === device);
  const ifindex = link?.ifindex ?? 0;
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
    problem:
      link === undefined
        ? `no device ${device} on this host: nothing is dropped early`
        : joinProblems(uplinks.problemOf(device), whyTagsHidden(link, links.values())),
  };
}

function joinProblems(...problems: readonly (string | null)[]): string | null {
  const present = problems.filter((problem) => problem !== null);
  return present.length === 0 ? null : present.join("; ");
}
