/** Writes the fuzzed world (world.h) from its models, by the code that writes a live host's maps. */
import { digest64 } from "../../../src/kernel/digest.ts";
import { SettingsStruct } from "../../../src/kernel/layout.gen.ts";
import type { Capacities } from "../../../src/kernel/plan-space.ts";
import { encodeSettings } from "../../../src/kernel/settings.ts";
import { addressBytes, macBytes, number, toHex } from "../../support/packet.ts";
import { createFakeMaps, Faults } from "../../unit/kernel/fake-maps.ts";
import { Host } from "../../unit/kernel/host.ts";
import { hz, nativeJiffies, Script } from "../program.ts";
import { pools, settings, stages, start } from "./models.ts";

const entries = 1 << 14;
const capacities: Capacities = { numbers: 16, slots: 64, policies: 64, cells: entries, words: entries };

/** Ids of the interfaces, by their place in programs. */
export const interfaceIds: readonly string[] = [...(stages[0]?.interfaces.keys() ?? [])];

function sayPools(script: Script): void {
  const say = (kind: string, bytes: Uint8Array) => script.say(`pool ${kind} ${toHex(bytes)}`);
  for (const mac of [...pools.mac, ...pools.otherMac]) say("mac", macBytes(mac));
  for (const address of [...pools.ipv4, ...pools.oddIpv4]) say("ipv4", addressBytes(address));
  for (const address of [...pools.ipv6, ...pools.oddIpv6]) say("ipv6", addressBytes(address));
  for (const port of pools.port) say("port", number(port, 2));
}

/** Writes each stage; answers the interfaces' numbers. */
async function sayStages(script: Script): Promise<readonly number[]> {
  const sizes = { interfaces: 32, slots: 128, policies: 64 };
  const many = { cells: entries, words: entries, prefixes: entries, groupBits: entries };
  const host = new Host(createFakeMaps(new Faults(), { ...sizes, ...many }));
  await host.start();
  const numberOf = (id: string) => host.state.numbers.get(digest64(id)) ?? -1;
  for (const [place, model] of stages.entries()) {
    await host.apply(model, capacities);
    await script.load(host.maps);
    if (place === 0)
      for (const [at, id] of interfaceIds.entries()) script.say(`interface ${at} ${numberOf(id)}`);
    const records = interfaceIds.map((id) => host.state.live.get(numberOf(id)) ?? -1);
    script.say(`stage ${place} ${records.join(" ")}`);
  }
  return interfaceIds.map(numberOf);
}

export interface World {
  /** Its commands; programs run behind them. */
  readonly text: string;
  /** Of the interfaces, by their place in programs. */
  readonly numbers: readonly number[];
}

export async function makeWorld(): Promise<World> {
  const script = new Script(start);
  script.say(`clock ${hz} ${nativeJiffies(0)} ${BigInt(start) * 1_000_000_000n}`);
  for (const [place, choice] of settings.entries()) {
    const bytes = SettingsStruct.encode(encodeSettings(choice, hz, 0));
    script.say(`settings ${place} ${toHex(bytes)}`);
  }
  sayPools(script);
  const numbers = await sayStages(script);
  return { text: script.text, numbers };
}
