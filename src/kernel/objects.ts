/** Loads the kernel programs, or takes over those that an earlier agent left enforcing. */
import { closeSync, fstatSync, openSync, renameSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileDigest } from "./digest.ts";
import { EnforcementError } from "./errors.ts";
import { checkHost, loadError, prepareBpffs } from "./host-check.ts";
import { layoutDigest, SettingsStruct } from "./layout.gen.ts";
import { indexKey } from "./maps.ts";
import { type BpfProgram, native } from "./native.ts";
import {
  closeMaps,
  collectMaps,
  mapsOf,
  namedMaps,
  namesOfMaps,
  type ObjectMaps,
  sizesFor,
} from "./object-maps.ts";
import { ensureDirectory, listPins, Pins, removeTree } from "./pins.ts";
import { copyPins, WholeDirectory } from "./repin.ts";
import { learnTicks } from "./ticks.ts";

export const programNames = [
  "guest_xdp",
  "guest_tc_egress",
  "guest_tc_ingress",
  "uplink_xdp",
  "clock_probe",
] as const;
export type ProgramName = (typeof programNames)[number];
/**
 * The XDP programs once more without fragments, for generic mode: from 6.9 on the kernel copies a packet for a
 * fragment-aware program and forgets the length of its MAC header, so that tc sees the frame 14 bytes too late.
 */
export const genericNames = ["guest_xdp_generic", "uplink_xdp_generic"] as const;
export type GenericName = (typeof genericNames)[number];
export type Programs = Readonly<Record<ProgramName, BpfProgram> & Partial<Record<GenericName, BpfProgram>>>;

export interface LoadOptions {
  /** The object file. */
  readonly object: string;
  /** Directory of the pins; a bpffs is mounted there where none is. */
  readonly root: string;
  /** Interface numbers that the maps have room for, the reserved ones among them. */
  readonly interfaces: number;
  /** Sizes of maps by name, for tests. */
  readonly mapSizes: Readonly<Record<string, number>>;
}

export interface KernelObjects {
  readonly pins: Pins;
  /** Of the object file. */
  readonly digest: string;
  /** The programs were found pinned, made of this very file. */
  readonly adopted: boolean;
  /**
   * The maps are new because the pinned ones have another layout; the old programs still enforce on the old
   * ones. The caller fills these, updates the links and then calls pins.commitFresh.
   */
  readonly fresh: boolean;
  readonly maps: ObjectMaps;
  readonly programs: Programs;
  /** Jiffies per second. */
  readonly hz: number;
  /**
   * Makes pins again that somebody took away, and mounts the bpffs again; true where something was missing. Session
   * tables and links are their owners' to pin.
   */
  restore(): boolean;
  close(): void;
}

/**
 * Throws EnforcementError: KERNEL_OLD, OBJECT, BPFFS, PERMISSION, ADDON, CLOCK, and LOCKED where another agent
 * holds the pins. What is enforced stays as it is then.
 */
export function loadOrAdopt(options: LoadOptions): KernelObjects {
  checkHost(options.object);
  prepareBpffs(options.root);
  let lock = lockRoot(options.root);
  const remount = () => {
    if (isRootOf(lock, options.root)) return false;
    lock = moveRoot(lock, options.root);
    return true;
  };
  try {
    const pins = new Pins(options.root);
    pins.settle();
    const found = findMaps(pins, options);
    if (found === "incompatible") pins.useFresh();
    const digest = fileDigest(options.object);
    const adopted = found !== "incompatible" && adopt(pins, digest);
    const loaded = adopted === false ? load(pins, digest, options) : adopted;
    const hz = ticksOf(loaded.maps, loaded.programs.clock_probe);
    const whole = { maps: new WholeDirectory(), programs: new WholeDirectory() };
    if (found !== "usable") pins.setLayout(layoutDigest);
    return {
      pins,
      digest,
      adopted: adopted !== false,
      fresh: found === "incompatible",
      ...loaded,
      hz,
      restore: () => restorePins(remount(), pins, digest, loaded, whole),
      close: () => {
        closeMaps(loaded.maps);
        for (const program of Object.values(loaded.programs)) program.close();
        closeSync(lock);
      },
    };
  } catch (error) {
    closeSync(lock);
    throw error;
  }
}

function lockRoot(root: string): number {
  const fd = openSync(root, "r");
  if (native().lockFile(fd)) return fd;
  closeSync(fd);
  throw new EnforcementError(
    "LOCKED",
    `another agent holds ${root}: stop it first (systemctl stop ringwall)`,
  );
}

/** Whether the bpffs at `root` is the one whose root is held; an unmounted one is not. */
function isRootOf(held: number, root: string): boolean {
  const now = statSync(root, { throwIfNoEntry: false });
  const before = fstatSync(held);
  return now !== undefined && now.dev === before.dev && now.ino === before.ino;
}

/** Mounts the bpffs anew, with all that the one before has, and lets go of that. Returns the new root's handle. */
function moveRoot(held: number, root: string): number {
  prepareBpffs(root);
  const lock = lockRoot(root);
  try {
    copyPins(`/proc/self/fd/${held}`, root);
  } catch (error) {
    closeSync(lock);
    throw error;
  }
  closeSync(held);
  return lock;
}

function restorePins(
  wasMoved: boolean,
  pins: Pins,
  digest: string,
  { maps, programs }: Loaded,
  whole: Readonly<Record<"maps" | "programs", WholeDirectory>>,
): boolean {
  const made =
    whole.maps.restore(pins.maps, () => namedMaps(maps)) +
    whole.programs.restore(pins.programs(digest), () => Object.entries(programs));
  // Last, as at a load: it says that the maps are whole.
  const hadLayout = pins.layout === layoutDigest;
  if (!hadLayout) pins.setLayout(layoutDigest);
  return wasMoved || made > 0 || !hadLayout;
}

/** Whether the pinned maps are what this agent would make. */
function findMaps(pins: Pins, options: LoadOptions): "none" | "usable" | "incompatible" {
  const names = listPins(pins.maps);
  if (names.length === 0 || pins.layout === null) {
    // Maps without a layout: the first load was cut off before anything was enforced.
    removeTree(pins.set);
    return "none";
  }
  if (pins.layout !== layoutDigest) return "incompatible";
  // One that somebody took away while no agent ran: what enforces has it still, and gives way to a whole set.
  if (namesOfMaps().some((name) => !names.includes(name))) return "incompatible";
  const sizes = { ...sizesFor(options.interfaces), ...options.mapSizes };
  for (const [name, wanted] of Object.entries(sizes)) {
    const map = native().BpfMap.openPinned(join(pins.maps, name));
    const { maxEntries } = map.info;
    map.close();
    if (maxEntries !== wanted) return "incompatible";
  }
  return "usable";
}

type Loaded = Pick<KernelObjects, "maps" | "programs">;

function adopt(pins: Pins, digest: string): Loaded | false {
  const directory = pins.programs(digest);
  const pinned = listPins(directory);
  if (!programNames.every((name) => pinned.includes(name))) return false;
  const { BpfMap, BpfProgram: Program } = native();
  return {
    maps: collectMaps((name) => BpfMap.openPinned(join(pins.maps, name))),
    programs: collectPrograms(pinned, (name) => Program.openPinned(join(directory, name))),
  };
}

function load(pins: Pins, digest: string, options: LoadOptions): Loaded {
  ensureDirectory(pins.maps);
  const partial = `${pins.programs(digest)}-partial`;
  try {
    const object = native().BpfObject.load({
      path: options.object,
      pinRoot: pins.maps,
      maxEntries: { ...sizesFor(options.interfaces), ...options.mapSizes },
    });
    const loaded = {
      maps: mapsOf(object),
      programs: collectPrograms(object.programNames, (name) => object.program(name)),
    };
    object.close();
    removeTree(partial);
    ensureDirectory(partial);
    for (const [name, program] of Object.entries(loaded.programs)) program.pin(join(partial, name));
    // A directory of that name is whole.
    removeTree(pins.programs(digest));
    renameSync(partial, pins.programs(digest));
    return loaded;
  } catch (error) {
    throw loadError(options.object, error);
  }
}

/** Every program by its name; `present`: what the object, or the directory of its pins, has. */
export function collectPrograms(
  present: readonly string[],
  open: (name: ProgramName | GenericName) => BpfProgram,
): Programs {
  const generic = genericNames.filter((name) => present.includes(name)).map((name) => [name, open(name)]);
  return {
    guest_xdp: open("guest_xdp"),
    guest_tc_egress: open("guest_tc_egress"),
    guest_tc_ingress: open("guest_tc_ingress"),
    uplink_xdp: open("uplink_xdp"),
    clock_probe: open("clock_probe"),
    ...Object.fromEntries(generic),
  };
}

/** A kernel's tick does not change: what an earlier agent learnt is taken over. */
function ticksOf(maps: ObjectMaps, probe: BpfProgram): number {
  const settings = maps.settings.get(indexKey(0));
  const learnt = settings === undefined ? 0 : SettingsStruct.decode(settings).hz;
  return learnt === 0 ? learnTicks(probe) : learnt;
}
