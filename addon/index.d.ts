/**
 * The addon's whole surface: a thin door to the system's libbpf, netlink and a few system calls that Node
 * lacks. No policy, no defaults; callers (src/kernel/native.ts) check their arguments first.
 *
 * Every failed call throws an AddonError, or what setErrorFactory's function makes of it.
 * Keys and values are bytes in the host's byte order, as the C structs lie in memory.
 * `close()` is idempotent; a closed handle throws `EBADF`.
 */

import type { BpfMap } from "./map.js";

export * from "./map.js";

export interface AddonError extends Error {
  /** "EPERM", "ENOENT", …; "LIBBPF_FORMAT" and the like for libbpf's own. */
  readonly code: string;
  /** Positive; libbpf's own from 4000 on. */
  readonly errno: number;
  /** What libbpf, or the kernel through netlink, said in that call; possibly empty. */
  readonly log: string;
  /** After setBatch: how many entries were set. */
  readonly done?: number;
}

export interface TestRunResult {
  /** Signed: TC_ACT_UNSPEC is -1. */
  readonly retval: number;
  /** Mean time of one run, ns. */
  readonly duration: number;
  readonly data: Uint8Array;
}

export class BpfProgram {
  private constructor();
  static openPinned(path: string): BpfProgram;
  readonly id: number;
  readonly name: string;
  /** Kernel's number of the program type (enum bpf_prog_type). */
  readonly type: number;
  /** sha-like tag of the instructions (bpf_prog_info.tag), hex. */
  readonly tag: string;
  /** Instructions that the verifier walked (bpf_prog_info.verified_insns) and size of the jited code, bytes. */
  readonly verifiedInstructions: number;
  readonly jitedSize: number;
  pin(path: string): void;
  /** One packet. `ifindex`: the context's device in the caller's namespace (default: loopback, 1). */
  testRun(options: { data: Uint8Array; repeat?: number; ifindex?: number }): TestRunResult;
  /**
   * Many packets, one run each, in one call. After each run `trace` (an array map of one element), when
   * given, is read: `traces` holds `packets.length` values end to end. `clock` (an array map of one element)
   * is set to `clocks[i]` before run i, when given.
   */
  testRunMany(options: {
    packets: readonly Uint8Array[];
    trace?: BpfMap;
    clock?: BpfMap;
    clocks?: readonly Uint8Array[];
    ifindex?: number;
  }): { retvals: Int32Array; traces: Uint8Array };
  /** BPF_F_TEST_XDP_LIVE_FRAMES: sends `data` `repeat` times as frames that came in on `ifindex`. */
  liveFrames(options: { data: Uint8Array; repeat: number; ifindex: number; batch?: number }): Promise<void>;
  /** Of SEC("syscall"): one call; the context as it left it. Throws the errno that it answers, where that is not 0. */
  call(context: Uint8Array): Uint8Array;
  /**
   * Of SEC("syscall"): a call for each of `contexts`, of `size` bytes each, one after the other on libuv's thread pool;
   * resolves with the contexts as the calls left them. `held` stay open meanwhile. Rejects at the first that fails, or
   * answers another number than 0, which is an errno.
   */
  callEachAsync(contexts: Uint8Array, size: number, held: readonly BpfMap[]): Promise<Uint8Array>;
  /** mode: native (driver) or generic (skb). EBUSY where a link is; EINVAL also where there is no such device. */
  attachXdp(options: { ifindex: number; mode: "native" | "generic" }): BpfLink;
  /**
   * tcx link; EINVAL where the kernel has none (hasTcx), and for other reasons. `first`: before all that stand there, not
   * behind them.
   */
  attachTcx(options: { ifindex: number; direction: "ingress" | "egress"; first?: boolean }): BpfLink;
  /** clsact filter (it outlives the process); replaces the one of the same handle and priority. */
  attachTc(options: {
    ifindex: number;
    direction: "ingress" | "egress";
    handle: number;
    priority: number;
  }): void;
  close(): void;
}

export interface BpfLinkInfo {
  readonly id: number;
  readonly type: number;
  readonly programId: number;
  /** 0: the device is gone. */
  readonly ifindex: number;
}

export class BpfLink {
  private constructor();
  static openPinned(path: string): BpfLink;
  /** Many, in the order of their paths, and what they are; opened on libuv's thread pool. Where one cannot be, none is. */
  static openPinnedAsync(paths: readonly string[]): Promise<{ link: BpfLink; info: BpfLinkInfo }[]>;
  info(): BpfLinkInfo;
  pin(path: string): void;
  /** Replaces the program; the device is at no moment without one. */
  update(program: BpfProgram): void;
  detach(): void;
  close(): void;
}

/**
 * `pinRoot`: maps found pinned there under their names are reused (a differing layout is EINVAL), others
 * are created and pinned. Without it nothing is pinned.
 * `maxEntries`: sizes by map name. `constants`: values of `const volatile` variables, little-endian bytes
 * by variable name. `programs`: load only these (default: all). `maps`: those that stand in for declared ones, by name.
 */
export interface LoadOptions {
  path: string;
  pinRoot?: string;
  maxEntries?: Readonly<Record<string, number>>;
  constants?: Readonly<Record<string, Uint8Array>>;
  programs?: readonly string[];
  maps?: Readonly<Record<string, BpfMap>>;
}

export class BpfObject {
  private constructor();
  /** Opens and loads an object file. */
  static load(options: LoadOptions): BpfObject;
  /**
   * The same, and the kernel's part of it on libuv's thread pool: some 30 ms for a program that asks for the kernel's
   * types. What is wrong with the options or the file is thrown at once.
   */
  static loadAsync(options: LoadOptions): Promise<BpfObject>;
  /** The maps that the source declares, without libbpf's own (.rodata, .bss, …). */
  readonly mapNames: readonly string[];
  /** The programs that were loaded. */
  readonly programNames: readonly string[];
  /** Handles of their own: they stay open when the object is closed. ENOENT for an unknown name. */
  map(name: string): BpfMap;
  program(name: string): BpfProgram;
  close(): void;
}

export class RingBuffer {
  /**
   * `onRecord` is called on the event loop with each record's bytes (a copy), in order, at most 1,024 records a
   * turn. What it throws is an uncaught exception. The process stays alive until close().
   */
  constructor(map: BpfMap, onRecord: (record: Uint8Array) => void);
  close(): void;
}

export interface LinkInfo {
  readonly ifindex: number;
  readonly name: string;
  /** "02:00:00:00:01:01"; empty where the device has none, or all zeros. */
  readonly mac: string;
  readonly mtu: number;
  readonly up: boolean;
  /** IFLA_INFO_KIND: "veth", "tun", "bridge", "bond", "vlan", "macvtap", …; empty for hardware. */
  readonly kind: string;
  /** ifindex of the bridge or bond that it belongs to, 0 for none. */
  readonly master: number;
  /** ifindex of the device below it (VLAN, macvlan, …; of a veth its peer, maybe in another namespace), 0 for none. */
  readonly lower: number;
  /** Its frames have an Ethernet header: a tap's have, a tun's and a tunnel's have none. */
  readonly ethernet: boolean;
  readonly loopback: boolean;
  /** Id of the XDP program on it (any mode), 0 for none. */
  readonly xdp: number;
}
export type LinkEvent =
  | { readonly type: "new"; readonly link: LinkInfo }
  | { readonly type: "gone"; readonly ifindex: number; readonly name: string }
  /** Events were lost (ENOBUFS): the listener must list the links again. What changes after that is told again. */
  | { readonly type: "overrun" };

/**
 * RTNLGRP_LINK of the caller's namespace, on libuv's poll. A device that moves to another namespace is gone.
 * What the listener throws is an uncaught exception. The process stays alive until close().
 */
export class LinkMonitor {
  constructor(onEvent: (event: LinkEvent) => void);
  close(): void;
}

export function listLinks(): LinkInfo[];

/** What a device is to bridges. */
export interface PortInfo {
  readonly ifindex: number;
  /** ifindex of the bridge, bond, … that it belongs to, 0 for none. */
  readonly master: number;
  readonly mtu: number;
  readonly up: boolean;
  /** Kind of its root queueing discipline: "noqueue", "fq_codel", "htb", … */
  readonly qdisc: string;
  /** Where it is a bridge. */
  readonly bridge: {
    readonly vlanFiltering: boolean;
    /** Seconds after which a MAC that was not seen is forgotten. */
    readonly ageing: number;
    /** It hands bridged packets to iptables, ip6tables or arptables itself, whatever the sysctls say. */
    readonly callsNetfilter: boolean;
  } | null;
  /** Where it is a port of one. */
  readonly port: {
    /** BR_STATE_*; 3: forwarding. */
    readonly state: number;
    readonly hairpin: boolean;
    readonly isolated: boolean;
    readonly locked: boolean;
    readonly learning: boolean;
  } | null;
}
export function listPorts(): PortInfo[];
/** ifindex of each device that takes XDP frames (NETDEV_XDP_ACT_NDO_XMIT); null where the kernel (before 6.3) does not say. */
export function listXdpTargets(): number[] | null;
/** Queueing disciplines of all devices, the inner ones and "clsact" and "ingress" among them. */
export function listQdiscs(): { ifindex: number; kind: string }[];
export interface FilterInfo {
  readonly handle: number;
  readonly priority: number;
  /** Frames begin in chain 0; they get to another one by a filter of it. */
  readonly chain: number;
  /** Id of its program; 0: it has none. */
  readonly program: number;
}
/** Filters at a device's clsact hook (or its ingress discipline's); those of a chain in the order in which they run. */
export function listFilters(options: { ifindex: number; direction: "ingress" | "egress" }): FilterInfo[];
/**
 * The device takes 802.1Q tags off what it receives (rx-vlan-offload), and XDP is shown the frame without. ENODEV
 * where it is not there.
 */
export function stripsVlanTags(device: string): boolean;
/** Whether that changed it; true too where the kernel did not say what it was before. */
export function setLinkUp(ifindex: number, up: boolean): boolean;
/** Addresses of the caller's namespace: text form without length, with the device. */
export function listAddresses(): { ifindex: number; address: string }[];
/** Removes the clsact filter that attachTc made; false when it was not there. */
export function detachTc(options: {
  ifindex: number;
  direction: "ingress" | "egress";
  handle: number;
  priority: number;
}): boolean;
/** The program id of the clsact filter of this handle and priority, or 0. */
export function queryTc(options: {
  ifindex: number;
  direction: "ingress" | "egress";
  handle: number;
  priority: number;
}): number;
/** Whether the kernel has tcx links, by a question to the loopback device. EPERM without CAP_NET_ADMIN. */
export function hasTcx(): boolean;
/** Ids of the programs at a device's tcx hook, in the order in which they run; none where the kernel has no tcx. */
export function queryTcx(options: { ifindex: number; direction: "ingress" | "egress" }): number[];
/** The id of the XDP program on a device (any mode), or 0. */
export function queryXdp(ifindex: number): number;
/** SO_PEERCRED of a connected unix socket. */
export function peerCredentials(fd: number): { pid: number; uid: number; gid: number };
/** flock(LOCK_EX | LOCK_NB): false when another holds it. */
export function lockFile(fd: number): boolean;
/**
 * Mounts a bpffs with mode 0700 at an existing directory; true when it did, false when one was mounted there. A
 * directory inside another bpffs is not one of its own: a mount covers it.
 */
export function mountBpffs(path: string): boolean;
/** sd_notify: false when NOTIFY_SOCKET is not set. */
export function notify(state: string): boolean;
/** CLOCK_TAI - CLOCK_REALTIME, s. */
export function taiOffset(): number;
export function possibleCpus(): number;
export function libbpfVersion(): string;
/**
 * From now on what `factory` makes of each error is thrown instead of it, in this environment, by calls and
 * promises alike. native.ts makes KernelErrors.
 */
export function setErrorFactory(factory: (error: AddonError) => Error): void;
