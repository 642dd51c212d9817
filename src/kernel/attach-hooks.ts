/** The hooks of a device: which program stands at each, and what the kernel answers when one does not go on. */
import { errorCode, errorText } from "./errors.ts";
import { type BpfLink, type FilterInfo, type LinkInfo, native } from "./native.ts";
import type { GenericName, ProgramName } from "./objects.ts";
import type { AttachMode, InterfaceStatus } from "./status.ts";

/** What stands on one device. */
export interface Attached {
  readonly mode: AttachMode | null;
  readonly programs: InterfaceStatus["programs"];
}

export type AttachResult =
  | { readonly done: true; readonly mode: AttachMode }
  /** `undo`: takes off what was attached before it failed. */
  | { readonly done: false; readonly problem: string; readonly undo: () => void };

/** `mode` null: neither goes, and `problem` says why. */
export interface UplinkResult {
  readonly mode: "native" | "generic" | null;
  readonly problem: string | null;
}

/** "RW": no other tool's filter has this handle; priority 1 runs before theirs. */
export const filter = { handle: 0x5257, priority: 1 } as const;

export type Hook =
  | "xdp-native"
  | "xdp-generic"
  | "tc-egress"
  | "tc-ingress"
  | "uplink-native"
  | "uplink-generic";
export const hooks: readonly Hook[] = [
  "xdp-native",
  "xdp-generic",
  "tc-egress",
  "tc-ingress",
  "uplink-native",
  "uplink-generic",
];

/** Whether the program there marks what it has judged for tc ingress of the same device. */
export function isGuestXdp(hook: Hook): boolean {
  return hook === "xdp-native" || hook === "xdp-generic";
}

export const programOf: Readonly<Record<Hook, ProgramName | GenericName>> = {
  "xdp-native": "guest_xdp",
  "xdp-generic": "guest_xdp_generic",
  "tc-egress": "guest_tc_egress",
  "tc-ingress": "guest_tc_ingress",
  "uplink-native": "uplink_xdp",
  "uplink-generic": "uplink_xdp_generic",
};

/** Of a tc hook. */
export function directionOf(hook: Hook): "egress" | "ingress" {
  return hook === "tc-egress" ? "egress" : "ingress";
}

/**
 * Id of the program that runs where ours was attached, 0 for none; `link` null: a clsact filter. A link stays with a
 * device that moves to another namespace, and the device's number may be another's here: so the hook is asked, too.
 */
export function programAt(ifindex: number, hook: Hook, link: BpfLink | null): number {
  if (link === null) return queryFilter(ifindex, directionOf(hook));
  const { ifindex: device, programId } = link.info();
  return device === ifindex && queryHook(ifindex, hook).includes(programId) ? programId : 0;
}

/** Ids of the programs at an XDP or tcx hook; none where the device is gone. */
function queryHook(ifindex: number, hook: Hook): readonly number[] {
  try {
    return hook === "tc-egress" || hook === "tc-ingress"
      ? native().queryTcx({ ifindex, direction: directionOf(hook) })
      : [native().queryXdp(ifindex)];
  } catch (error) {
    if (errorCode(error) === "ENODEV") return [];
    throw error;
  }
}

/** `has`: what stands on the device; `idOf`: the program at a hook. */
export function describeAttached(has: (hook: Hook) => boolean, idOf: (hook: Hook) => number): Attached {
  const find = (...names: Hook[]): number | null => {
    const hook = names.find(has);
    return hook === undefined ? null : idOf(hook);
  };
  const programs = {
    xdp: find("xdp-native", "xdp-generic"),
    tcEgress: find("tc-egress"),
    tcIngress: find("tc-ingress"),
  };
  if (has("xdp-native")) return { mode: "native", programs };
  if (has("xdp-generic")) return { mode: "generic", programs };
  return { mode: programs.tcIngress === null ? null : "tc", programs };
}

export function queryFilter(ifindex: number, direction: "ingress" | "egress"): number {
  try {
    return native().queryTc({ ifindex, direction, ...filter });
  } catch (error) {
    // No clsact, or no such device any more.
    if (["ENOENT", "ENODEV", "EINVAL"].includes(errorCode(error) ?? "")) return 0;
    throw error;
  }
}

export function describeXdpRefusal(link: LinkInfo, mode: "native" | "generic", error: unknown): string {
  const code = errorCode(error) ?? "";
  if (code === "EBUSY" || code === "EEXIST") {
    const id = native().queryXdp(link.ifindex);
    return `${link.name} has another XDP program${id === 0 ? "" : ` (id ${id})`}: remove it (ip link set dev ${link.name} xdp off)`;
  }
  return `${mode} XDP does not go on ${link.name}: ${errorText(error)}`;
}

/** Our filter at a tc hook: the program that it runs, and what runs before it there; null: it is not there. */
export function findFilter(
  ifindex: number,
  direction: "ingress" | "egress",
): { readonly program: number; readonly before: readonly FilterInfo[] } | null {
  const run = native()
    .listFilters({ ifindex, direction })
    .filter(({ chain }) => chain === 0);
  const place = run.findIndex(isOurFilter);
  const ours = run[place];
  return ours === undefined ? null : { program: ours.program, before: run.slice(0, place) };
}

export function isOurFilter({ handle, priority }: Pick<FilterInfo, "handle" | "priority">): boolean {
  return handle === filter.handle && priority === filter.priority;
}

/** Somebody else's XDP program on a guest's device, as a sentence. `id`: its own. */
function describeForeignXdp({ name }: Pick<LinkInfo, "name">, id: number): string {
  return `another XDP program (id ${id}) stands on ${name}, before all of Ringwall's, and may change, send on or drop what the guest sends unjudged: find whose it is (bpftool prog show id ${id}) and remove it (ip link set dev ${name} xdp off)`;
}

/** What of ours stands at a hook. */
export interface Own {
  /** Of its program. */
  readonly id: number;
  readonly isFilter: boolean;
}

/**
 * A program of somebody else that runs before ours, as XDP or at a tc hook, as a sentence; null: there is none. It could
 * let frames pass that were never judged, or judge others than the guest sent. `ours`: null where nothing of ours stands.
 */
export function describeForeign(link: LinkInfo, ours: (hook: Hook) => Own | null): string | null {
  const isOurs = hooks.some((hook) => !hook.startsWith("tc-") && ours(hook) !== null);
  if (link.xdp !== 0 && !isOurs) return describeForeignXdp(link, link.xdp);
  for (const direction of ["ingress", "egress"] as const) {
    const own = ours(`tc-${direction}`);
    const problem = own === null ? null : describeBefore(link, direction, own);
    if (problem !== null) return problem;
  }
  return null;
}

function describeBefore(
  { ifindex, name }: LinkInfo,
  direction: "ingress" | "egress",
  own: Own,
): string | null {
  const where = `stands before Ringwall's at tc ${direction} of ${name} and may let frames pass unjudged`;
  const [first] = native().queryTcx({ ifindex, direction });
  if (first !== undefined && first !== own.id)
    return `another program (id ${first}) ${where}: find whose it is (bpftool prog show id ${first}) and attach it behind`;
  const [before] = own.isFilter ? (findFilter(ifindex, direction)?.before ?? []) : [];
  if (before === undefined) return null;
  // The kernel puts a new filter before those of its priority.
  const handle = `0x${before.handle.toString(16)}`;
  return `another filter (pref ${before.priority} handle ${handle}) ${where}: attach it with a pref of ${filter.priority + 1} or more (tc filter show dev ${name} ${direction})`;
}
