import { describe, expect, it } from "vitest";
import type { DirectPort } from "../../../src/kernel/direct-judge.ts";
import {
  type DirectMaps,
  directState,
  emptyDirect,
  findDirect,
  writeDirect,
} from "../../../src/kernel/direct-maps.ts";
import { Limit } from "../../../src/kernel/layout.gen.ts";
import { joinBytes, keyText, textKey } from "../../../src/kernel/maps.ts";

/** Maps in memory that write down what is done to them. */
function fakeMaps(): { readonly maps: DirectMaps; readonly log: string[] } {
  const log: string[] = [];
  const words = new BigUint64Array(Limit.DEVICES_NEAR);
  const info = (name: string) => ({ name }) as DirectMaps["ports"]["info"];
  const table = (name: string): DirectMaps["direct"] => {
    const held = new Map<string, string>();
    return {
      info: info(name),
      set: (key, value) => {
        log.push(`set ${name}`);
        held.set(keyText(key), keyText(value));
      },
      delete: (key) => {
        log.push(`delete ${name}`);
        return held.delete(keyText(key));
      },
      entries: () => ({
        count: held.size,
        keys: joinBytes([...held.keys()].map(textKey)),
        values: joinBytes([...held.values()].map(textKey)),
      }),
    };
  };
  const ports: DirectMaps["ports"] = {
    info: info("ports"),
    store64: (place, word) => {
      log.push(`${word === 0n ? "delete" : "set"} ports`);
      words[place] = word;
    },
    load64: (place) => words[place] ?? 0n,
    getRun: () => new Uint8Array(words.slice().buffer),
  };
  return { maps: { ports, direct: table("direct"), targets: table("targets") }, log };
}

const port = (ifindex: number, bridge = 2, needsSkb: string | null = null): DirectPort => ({
  ifindex,
  bridge,
  mac: Uint8Array.of(2, 0, 0, 0, 0, ifindex),
  length: 1514,
  needsSkb,
});
const stateOf = (...ports: DirectPort[]) =>
  directState(ports, new Map(ports.map(({ ifindex, bridge }) => [ifindex, bridge])));

describe("the maps of direct forwarding", () => {
  it("get a target before an entry names it, and lose the entry first", () => {
    const { maps, log } = fakeMaps();
    const one = stateOf(port(7));
    writeDirect(maps, emptyDirect, one);
    expect(log.splice(0)).toEqual(["set targets", "set direct", "set ports"]);
    writeDirect(maps, one, emptyDirect);
    expect(log).toEqual(["delete direct", "delete ports", "delete targets"]);
  });

  it("are written where something differs, and nowhere else", () => {
    const { maps, log } = fakeMaps();
    const before = stateOf(port(7), port(8));
    writeDirect(maps, emptyDirect, before);
    log.length = 0;
    writeDirect(maps, before, stateOf(port(7), port(8)));
    expect(log).toEqual([]);
    writeDirect(maps, before, stateOf(port(7), port(8, 2, "no NAPI")));
    expect(log.splice(0)).toEqual(["delete direct", "set direct"]);
  });

  it("have one word for two devices that share a place", () => {
    const far = 7 + Limit.DEVICES_NEAR;
    expect([...stateOf(port(7), { ...port(9), ifindex: far }).ports.values()]).toEqual([(2n << 32n) | 7n]);
  });

  it("are found to differ, and mended", () => {
    const { maps } = fakeMaps();
    const wanted = stateOf(port(7), port(8, 3));
    writeDirect(maps, emptyDirect, wanted);
    expect([...findDirect(maps, wanted)]).toEqual([]);
    maps.ports.store64(99, 5n);
    maps.ports.store64(7, 0n);
    maps.targets.delete(Uint8Array.of(8, 0, 0, 0));
    writeDirect(maps, emptyDirect, stateOf(port(9)));
    const found = [...findDirect(maps, wanted)];
    expect(found.map(({ map, isAdded = false }) => `${map} ${isAdded}`).sort()).toEqual([
      "direct true",
      "ports false",
      "ports true",
      "ports true",
      "targets false",
      "targets true",
    ]);
    for (const { mend } of found) mend?.();
    expect([...findDirect(maps, wanted)]).toEqual([]);
  });
});
