/** Settings, devices, slots and uplinks: places that one store puts right. */
import { formatAddress } from "../model/cidr.ts";
import { decodeAddress } from "./addresses.ts";
import { clearDevice, storeDevice } from "./devices-map.ts";
import type { Compared, Finding } from "./finding.ts";
import { UplinkKeyStruct } from "./layout.gen.ts";
import { indexKey, joinBytes, type TableMap, textKey } from "./maps.ts";
import { journalSlot, type SlotWord } from "./state.ts";
import { storeIntents, storeSlot } from "./sync.ts";
import { deleteBatch, writeBatch } from "./write.ts";

/** `wanted`: the bytes of rw_settings[0]. Each field of it stands alone. */
export function* findSettings(map: TableMap, wanted: Uint8Array): Generator<Finding> {
  const held = map.get(indexKey(0));
  if (held !== undefined && Buffer.compare(held, wanted) === 0) return;
  yield {
    map: map.info.name,
    message: "the host's settings (timeouts, limits, modes) were others than agent.yaml says",
    interfaces: [],
    mend: () => map.set(indexKey(0), wanted),
  };
}

export function* findDevices({ maps, raw, known, holders }: Compared): Generator<Finding> {
  const who = (record: number | undefined) => {
    if (record === undefined) return "nothing";
    return `record ${record} (${holders.ofRecord(record)[0] ?? "nobody's"})`;
  };
  for (const [ifindex, record] of known.devices) {
    const held = raw.devices.get(ifindex);
    if (held === record) continue;
    yield {
      map: maps.devices.info.name,
      message: `device ${ifindex} named ${who(held)} instead of ${who(record)}: its packets were judged by that one's rules`,
      interfaces: holders.ofRecord(record),
      mend: () => storeDevice(maps, ifindex, record),
    };
  }
  for (const [ifindex, record] of raw.devices) {
    if (known.devices.has(ifindex)) continue;
    yield {
      map: maps.devices.info.name,
      message: `device ${ifindex}, which Ringwall does not judge, named ${who(record)}`,
      interfaces: holders.ofRecord(record),
      mend: () => clearDevice(maps, ifindex),
    };
  }
}

export function* findSlots({ maps, raw, known, holders }: Compared): Generator<Finding> {
  const map = maps.slots.info.name;
  const say = (word: SlotWord | undefined) =>
    word === undefined ? "nothing" : `version ${word.version} of generation ${word.generation}`;
  for (const slot of new Set([...known.slots.keys(), ...raw.slots.keys()])) {
    const word = known.slots.get(slot);
    const held = raw.slots.get(slot);
    if (held?.version === word?.version && held?.generation === word?.generation) continue;
    const meaning = slot === journalSlot ? "the journal" : "which rules judge";
    yield {
      map,
      message: `slot ${slot} (${meaning}) held ${say(held)} instead of ${say(word)}`,
      interfaces: holders.ofSlot(slot),
      mend: () => storeSlot(maps, slot, word ?? { version: 0, generation: 0 }),
    };
  }
  for (const [slot, word] of raw.intents) {
    yield {
      map,
      message: `slot ${slot} was to become ${say(word)} at the next start, though no change is under way`,
      interfaces: holders.ofSlot(slot),
      mend: () => storeIntents(maps, [slot], () => undefined),
    };
  }
}

export function* findUplinks({ maps, raw, known, holders }: Compared): Generator<Finding> {
  for (const key of new Set([...known.uplinks.keys(), ...raw.uplinks.keys()])) {
    const record = known.uplinks.get(key);
    const held = raw.uplinks.get(key);
    if (record === held) continue;
    const { ifindex, address } = UplinkKeyStruct.decode(textKey(key));
    const where = `${formatAddress(decodeAddress(address))} behind uplink ${ifindex}`;
    yield {
      map: maps.uplinks.info.name,
      message: `${where} named record ${held ?? "none"} instead of ${record ?? "none"}: it was dropped early by other rules, or not early`,
      interfaces: [...holders.ofRecord(record ?? 0), ...holders.ofRecord(held ?? 0)],
      ...(record === undefined ? { isAdded: true } : {}),
      mend: () => {
        const keys = joinBytes([textKey(key)]);
        if (record === undefined) deleteBatch(maps.uplinks, keys, 1);
        else writeBatch(maps.uplinks, keys, new Uint8Array(Uint32Array.of(record).buffer), 1);
      },
    };
  }
}
