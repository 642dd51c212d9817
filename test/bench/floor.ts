/** The floor: the least that a stateful firewall could do, with tables as large as Ringwall's (floor.bpf.c). */
import { SessionStruct } from "../../src/kernel/layout.gen.ts";
import { indexKeys } from "../../src/kernel/maps.ts";
import type { BpfMap, BpfObject } from "../../src/kernel/native.ts";
import { createTable } from "../../src/kernel/sessions.ts";
import { buildFrame, countOf, encodeKeys, type Flows } from "./flows.ts";
import { Varied } from "./varied.ts";

/** Places in bench_ways of floor.bpf.c. */
const ways = { one: 1, many: 2 } as const;
const pass = 2;
const leastEntries = 1024;

export class Floor {
  readonly #varied: Varied;
  readonly #table: BpfMap;
  readonly #tables: BpfMap[] = [];
  readonly #isSpread: boolean;

  /** `entries`: of its table, or of each of `tables`. */
  static async open(path: string, entries: number, tables = 0): Promise<Floor> {
    const object = Varied.load(path, { floor_table: tables === 0 ? entries : leastEntries });
    const floor = new Floor(object, tables > 0);
    const array = object.map("floor_tables");
    object.close();
    for (let place = 0; place < tables; place++) floor.#tables.push(createTable("floor_inner", entries));
    if (tables > 0) await array.setInnersAsync(indexKeys(0, tables), floor.#tables);
    array.close();
    return floor;
  }

  private constructor(object: BpfObject, isSpread: boolean) {
    this.#varied = new Varied(object);
    this.#table = object.map("floor_table");
    this.#isSpread = isSpread;
  }

  /** Makes a session of every flow; throws where they do not all fit. */
  async fill(flows: Flows): Promise<void> {
    const values = new Uint8Array(flows.localPorts * SessionStruct.SIZE);
    for (const target of flows.targets) {
      const table = this.#isSpread ? this.#tables[target.table] : this.#table;
      table?.setBatch(encodeKeys(target, flows.localPorts), values, flows.localPorts);
    }
    const counts = await Promise.all(
      (this.#isSpread ? this.#tables : [this.#table]).map((one) => one.countAsync()),
    );
    const held = counts.reduce((sum, count) => sum + count, 0);
    if (held !== countOf(flows)) throw new Error(`the floor holds ${held} of ${countOf(flows)} sessions`);
    this.#varied.writeTargets(flows, () => 0);
  }

  /** ns of a packet of a session. */
  timePass(flows: Flows, repeat: number): number {
    const way = this.#isSpread ? ways.many : ways.one;
    return this.#varied.time(flows, buildFrame(flows, "A"), repeat, pass, { way, order: "random" });
  }

  timeNothing(flows: Flows, repeat: number): number {
    return this.#varied.timeNothing(buildFrame(flows, "A"), repeat);
  }

  close(): void {
    this.#varied.close();
    this.#table.close();
    for (const table of this.#tables) table.close();
  }
}
