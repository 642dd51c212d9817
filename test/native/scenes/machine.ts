/** Two guests' devices and an uplink on a bridge, as the agent writes them, and whole programs run there. */
import {
  BridgePortStruct,
  DeviceStruct,
  DirectFlag,
  DirectKeyStruct,
  DirectStruct,
  InterfaceStruct,
  ListedKeyStruct,
  ListedKind,
  MarkStruct,
  SettingsStruct,
  UplinkKeyStruct,
} from "../../../src/kernel/layout.gen.ts";
import { indexKey } from "../../../src/kernel/maps.ts";
import { reasonName } from "../../../src/kernel/names.ts";
import { defaultSettings, encodeSettings } from "../../../src/kernel/settings.ts";
import { hostMac, placeOfInterface } from "../../semantics/places.ts";
import { modelOf, type Setting } from "../../semantics/setting.ts";
import { gatewayMac } from "../../support/bed.ts";
import { addressBytes, macBytes, number, toHex } from "../../support/packet.ts";
import { Bench } from "../bench.ts";
import { hz, nativeJiffies } from "../program.ts";

const start = 1_800_000_000;

/** Numbers of devices. */
export const device = { one: 11, two: 12, wan: 20, bridge: 9 } as const;
/** Longest frame that the bridge hands to a guest's device, bytes. */
export const longest = 3014;
/** A MAC that no sender has. */
export const groupMac = "01:00:5e:00:00:01";
/** What marks a frame of device one as judged. */
export const secret = 0x1122334455667788n;
export const mark = MarkStruct.encode({ secret });

export type Program =
  | "guest_xdp"
  | "guest_xdp_generic"
  | "guest_tc_ingress"
  | "guest_tc_egress"
  | "uplink_xdp"
  | "uplink_xdp_generic"
  | "clock_probe";

/** A program that is given a frame at a device, and what comes of it. */
export interface Run {
  readonly program: Program;
  readonly device: number;
  readonly frame: Uint8Array;
  /** Seconds since the first frame. */
  readonly time?: number;
  /** Bytes at the frame's end that do not lie with the others. */
  readonly hidden?: number;
  readonly segmented?: boolean;
  readonly tag?: number;
  readonly meta?: Uint8Array;
  /** The moves of metadata and copies of bytes that are refused: bit n, the n-th. */
  readonly refused?: { readonly metas?: number; readonly loads?: number };
  /** "pass", "drop", "to 12"; "marked" or the metadata's bytes; then what is counted: "eni-1 egress accept session". */
  readonly expected: string;
}

/** The machine's maps, and what is asked of it. */
export class Machine {
  readonly bench = new Bench(start, defaultSettings, 256, 16_384);
  readonly runs: Run[] = [];

  static async make(setting: Setting): Promise<Machine> {
    const machine = new Machine();
    for (const map of ["rw_rates", "rw_learnt", "rw_heard", "rw_devices", "rw_devices_far", "rw_targets"])
      machine.clear(map);
    for (const map of ["rw_marks", "rw_ports", "rw_direct", "rw_uplinks", "rw_counters", "rw_passed"])
      machine.clear(map);
    machine.bench.script.say("faults 0 0 0 0");
    await machine.bench.change(modelOf(setting, { family: 4, start }));
    machine.hold(device.one, "eni-1");
    machine.hold(device.two, "eni-2");
    for (const ifindex of [device.one, device.two, device.wan]) machine.port(ifindex, device.bridge);
    for (const [id, ifindex] of [
      ["eni-1", device.one],
      ["eni-2", device.two],
    ] as const) {
      machine.direct(placeOfInterface(id).mac, { ifindex });
      machine.set("rw_targets", indexKey(ifindex), indexKey(ifindex));
    }
    machine.secret(device.one, secret);
    return machine;
  }

  set(map: string, key: Uint8Array, value: Uint8Array): void {
    this.bench.script.set(map, key, value);
  }

  clear(map: string): void {
    this.bench.script.say(`clear ${map}`);
  }

  hold(ifindex: number, id: string, map: "rw_devices" | "rw_devices_far" = "rw_devices"): void {
    this.holdRecord(ifindex, this.bench.recordOf(id), map);
  }

  holdRecord(ifindex: number, record: number, map = "rw_devices"): void {
    const key = map === "rw_devices" ? ifindex % 65_536 : ifindex;
    this.set(map, indexKey(key), DeviceStruct.encode({ ifindex, record }));
  }

  port(ifindex: number, bridge: number): void {
    this.set("rw_ports", indexKey(ifindex % 65_536), BridgePortStruct.encode({ ifindex, bridge }));
  }

  direct(
    mac: string,
    fields: Partial<DirectStruct> & { readonly ifindex: number },
    bridge: number = device.bridge,
  ): void {
    const key = DirectKeyStruct.encode({ bridge, mac: macBytes(mac) });
    this.set(
      "rw_direct",
      key,
      DirectStruct.encode({ flags: DirectFlag.DIRECT_XDP, length: longest, ...fields }),
    );
  }

  secret(ifindex: number, value: bigint): void {
    this.set("rw_marks", indexKey(ifindex), MarkStruct.encode({ secret: value }));
  }

  /** What the uplink may judge early. */
  behind(address: string, record: number): void {
    const key = UplinkKeyStruct.encode({ ifindex: device.wan, address: addressBytes(address) });
    this.set("rw_uplinks", key, indexKey(record));
  }

  hostHas(mac = hostMac): void {
    const key = { record: 0, kind: ListedKind.LISTED_HOST_MAC, data: macBytes(mac) };
    this.set("rw_listed", ListedKeyStruct.encode(key), indexKey(0));
  }

  settings(fields: Partial<SettingsStruct>): void {
    const bytes = SettingsStruct.encode({ ...encodeSettings(defaultSettings, hz, 0), ...fields });
    this.set("rw_settings", indexKey(0), bytes);
  }

  changeRecord(id: string, fields: Partial<InterfaceStruct>): void {
    const key = indexKey(this.bench.recordOf(id));
    const bytes = this.bench.maps.interfaces.get(key);
    if (bytes === undefined) throw new Error(`${id} has no record`);
    this.set("rw_interfaces", key, InterfaceStruct.encode({ ...InterfaceStruct.decode(bytes), ...fields }));
  }

  /** The bridge was shown a frame of each sender, and needs none for a second from `time` on. */
  learn(time = 0): void {
    const now = number(0, 4);
    new DataView(now.buffer).setUint32(0, nativeJiffies(time) >>> 0, true);
    for (const ifindex of [device.one, device.two]) this.set("rw_learnt", indexKey(ifindex), now);
    for (const mac of [gatewayMac, hostMac, groupMac])
      this.set("rw_heard", DirectKeyStruct.encode({ bridge: device.bridge, mac: macBytes(mac) }), now);
  }

  run(run: Run): void {
    const { program, frame, time = 0, hidden = 0, segmented = false, tag = 0, meta, refused = {} } = run;
    const { script } = this.bench;
    script.say(`refuse ${refused.metas ?? 0} ${refused.loads ?? 0}`);
    const beside = meta === undefined || meta.length === 0 ? "-" : toHex(meta);
    const how = `${nativeJiffies(time)} ${hidden} ${Number(segmented)} ${tag}`;
    script.say(`run ${program} ${run.device} ${how} ${beside} ${toHex(frame) || "-"}`);
    script.say("counters");
    this.runs.push(run);
  }

  /** What each run came to, in the words of `expected`. */
  read(lines: readonly string[]): readonly string[] {
    const said: string[] = [];
    let words: string[] = [];
    let counted: string[] = [];
    for (const line of lines) {
      if (line.startsWith("ran ")) words = this.#readRun(line, said.length);
      else if (line.startsWith("counter ")) counted.push(this.#readCounter(line));
      else if (line === "counted") {
        said.push([...words, ...counted.sort()].join(", "));
        words = [];
        counted = [];
      }
    }
    return said;
  }

  #readRun(line: string, index: number): string[] {
    const [, action = "", target = "", meta = ""] = line.split(" ");
    const isXdp = !this.runs[index]?.program.startsWith("guest_tc");
    const names: Readonly<Record<string, string>> = isXdp
      ? { 1: "drop", 2: "pass", 4: "to" }
      : { "-1": "pass", 2: "drop", 7: "to" };
    const sent = target === "0" ? "" : ` ${target}`;
    const beside = meta === "" ? [] : [meta === toHex(mark) ? "marked" : meta];
    return [`${names[action] ?? action}${sent}`, ...beside];
  }

  #readCounter(line: string): string {
    const [, place, direction, accepted, reason, packets] = line.split(" ").map(Number);
    const id = ["eni-1", "eni-2"].find((name) => this.bench.numberOf(name) === place) ?? String(place);
    const way = direction === 0 ? "egress" : "ingress";
    const times = packets === 1 ? "" : ` ${packets} times`;
    return `${id} ${way} ${accepted === 1 ? "accept" : "drop"} ${reasonName(reason ?? 0)}${times}`;
  }
}
