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
import type { KernelSettings, Uplink } from "./settings.ts";
import type {
  ConfirmationStatus,
  InterfaceState,
  InterfaceStatus,
  KernelFigures,
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
  const { engine, attachments, devices, direct, links } = described;
  return countInterfaces(described, ({ interface: source, policy }, ifindex, figures) => {
    const { version, generation } = engine.policyOf(source.id) ?? { version: 0, generation: 0 };
    const problem = devices.problemOf(ifindex) ?? devices.foreignOf(ifindex);
    const link = links.get(ifindex);
    const attached = attachments.describe(ifindex);
    return {
      ...figures,
      number: engine.known.numbers.get(digest64(source.id)) ?? 0,
      device: link?.name ?? source.device,
      ifindex,
      mode: attached.mode,
      programs: attached.programs,
      policy,
      version,
      generation,
      forwarding: direct.statusOf(source.id),
      problem: problem ?? describeAbsence(source.device, link) ?? devices.cautionOf(ifindex),
    };
  });
}

export function describeFigures(described: Described): Omit<KernelFigures, "guard"> {
  const { engine } = described;
  const interfaces = countInterfaces(described, (_each, _ifindex, figures) => figures);
  return { interfaces, maps: engine.fill, proof: engine.proofStatus };
}

type Figures = KernelFigures["interfaces"][number];

/** What `describe` makes of each interface, of its device's ifindex (0 where there is none), and of its figures. */
function countInterfaces<T>(
  { engine, devices, model }: Described,
  describe: (each: ResolvedInterface, ifindex: number, figures: Figures) => T,
): readonly T[] {
  if (model.inForce === null) return [];
  const { resolved } = model.inForce;
  // Before each is described: one read for all.
  const counters = engine.tables.readCounters();
  const ifindexes = new Map([...devices.bindings].map(([ifindex, id]) => [id, ifindex]));
  const proven = describeProven(engine);
  return resolved.interfaces.map((each) => {
    const { id, groups } = each.interface;
    const ifindex = ifindexes.get(id) ?? 0;
    const observes = groups.every((group) => resolved.model.groups.get(group)?.mode === "observe");
    const problem = devices.problemOf(ifindex) ?? devices.foreignOf(ifindex);
    return describe(each, ifindex, {
      interface: id,
      state: stateOf(ifindex, problem, devices.isReady(ifindex), observes),
      proven: proven(engine.policyOf(id)?.version ?? 0),
      tables: engine.tables.fills(engine.known.numbers.get(digest64(id)) ?? 0, counters),
    });
  });
}

/** When a version was last proven; written once for all interfaces that it judges. */
function describeProven(engine: SyncEngine): (version: number) => string | null {
  const written = new Map<number, string | null>();
  return (version) => {
    const known = written.get(version);
    if (known !== undefined) return known;
    const text = engine.provenAt(version)?.toISOString() ?? null;
    written.set(version, text);
    return text;
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
