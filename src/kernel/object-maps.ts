/** The maps of the loaded programs by their use, and the sizes that the agent chooses. */
import { Limit, Rates, SessionTable } from "./layout.gen.ts";
import type { SyncMaps } from "./maps.ts";
import type { BpfMap, BpfObject } from "./native.ts";
import type { SessionTableName } from "./status.ts";

export interface ObjectMaps extends SyncMaps {
  readonly settings: BpfMap;
  readonly devices: BpfMap;
  readonly devicesFar: BpfMap;
  readonly interfaces: BpfMap;
  readonly owned: BpfMap;
  readonly listed: BpfMap;
  readonly uplinks: BpfMap;
  readonly identities: BpfMap;
  readonly slots: BpfMap;
  readonly policies: BpfMap;
  readonly cells: BpfMap;
  readonly words: BpfMap;
  readonly prefixes: BpfMap;
  readonly groupBits: BpfMap;
  readonly sessions: Readonly<Record<SessionTableName, BpfMap>>;
  /** Seeds of the hash of opening tables. */
  readonly hash: BpfMap;
  readonly grace: BpfMap;
  readonly rates: BpfMap;
  readonly dhcp: BpfMap;
  readonly counters: BpfMap;
  readonly passed: BpfMap;
  readonly events: BpfMap;
  readonly tableCounters: BpfMap;
  readonly lost: BpfMap;
  readonly trace: BpfMap;
  readonly clock: BpfMap;
  readonly marks: BpfMap;
  readonly ports: BpfMap;
  readonly direct: BpfMap;
  readonly targets: BpfMap;
  /** Memory of the programs, held so that it can be pinned again. */
  readonly learnt: BpfMap;
  readonly heard: BpfMap;
  readonly headers: BpfMap;
  readonly packet: BpfMap;
  readonly bits: BpfMap;
  readonly denied: BpfMap;
  readonly alive: BpfMap;
  readonly proven: BpfMap;
}

/** Names of all maps of the object; `open` gives the handle of one. */
export function collectMaps(open: (name: string) => BpfMap): ObjectMaps {
  return {
    settings: open("rw_settings"),
    devices: open("rw_devices"),
    devicesFar: open("rw_devices_far"),
    interfaces: open("rw_interfaces"),
    owned: open("rw_owned"),
    listed: open("rw_listed"),
    uplinks: open("rw_uplinks"),
    identities: open("rw_identities"),
    slots: open("rw_slots"),
    policies: open("rw_policies"),
    cells: open("rw_cells"),
    words: open("rw_words"),
    prefixes: open("rw_prefixes"),
    groupBits: open("rw_group_bits"),
    sessions: {
      opening: open("rw_opening"),
      answered: open("rw_answered"),
      established: open("rw_established"),
    },
    hash: open("rw_hash"),
    grace: open("rw_grace"),
    rates: open("rw_rates"),
    dhcp: open("rw_dhcp"),
    counters: open("rw_counters"),
    passed: open("rw_passed"),
    events: open("rw_events"),
    tableCounters: open("rw_tables"),
    lost: open("rw_lost"),
    trace: open("rw_trace"),
    clock: open("rw_clock"),
    marks: open("rw_marks"),
    ports: open("rw_ports"),
    direct: open("rw_direct"),
    targets: open("rw_targets"),
    learnt: open("rw_learnt"),
    heard: open("rw_heard"),
    headers: open("rw_headers"),
    packet: open("rw_packet"),
    bits: open("rw_bits"),
    denied: open("rw_denied"),
    alive: open("rw_alive"),
    proven: open("rw_proven"),
  };
}

/** Names under which all of them are pinned. */
export function namesOfMaps(): readonly string[] {
  const names: string[] = [];
  collectMaps((name) => {
    names.push(name);
    return undefined as never;
  });
  return names;
}

export function mapsOf(object: BpfObject): ObjectMaps {
  return collectMaps((name) => object.map(name));
}

export function* eachMap(maps: ObjectMaps): Generator<BpfMap> {
  for (const value of Object.values<BpfMap | ObjectMaps["sessions"]>({ ...maps })) {
    if ("info" in value) yield value;
    else yield* Object.values(value);
  }
}

/** With the names under which they are pinned. */
export function* namedMaps(maps: ObjectMaps): Generator<readonly [string, BpfMap]> {
  const names = namesOfMaps().values();
  for (const map of eachMap(maps)) yield [names.next().value ?? "", map];
}

export function closeMaps(maps: ObjectMaps): void {
  for (const map of eachMap(maps)) map.close();
}

/** Of each interface. */
const directions = 2;

/** Sizes of the maps that count interfaces. `interfaces`: numbers, the reserved ones among them. */
export function sizesFor(interfaces: number): Record<string, number> {
  return {
    rw_interfaces: interfaces * Limit.RECORDS_PER_INTERFACE,
    rw_opening: interfaces,
    rw_answered: interfaces,
    rw_established: interfaces,
    rw_rates: interfaces * Rates.RATES_PER_INTERFACE,
    rw_dhcp: interfaces,
    rw_counters: interfaces,
    rw_passed: interfaces * directions,
    rw_tables: interfaces * SessionTable.TABLES_MAX,
  };
}
