/**
 * From cells to few boxes: cells with the same decisions before and after, seen by the same interfaces, are
 * joined where they differ in one dimension only. What is joined is exactly what was found.
 */
import type { Family } from "../../model/model.ts";
import { widthOf } from "../prefixes.ts";
import { secondsEnd, sourcePortEnd } from "../service.ts";
import type { Cell, Rest } from "./cells.ts";
import { joinIntervals, type LineClass } from "./lines.ts";
import { joinRanges, type RemoteClass } from "./remotes.ts";
import type { Decision } from "./union.ts";

/** All packets with one of these remotes, services and so on. Remotes are of one family. */
export interface Box extends Rest {
  readonly remotes: readonly RemoteClass[];
  readonly services: readonly LineClass[];
}

/** Boxes in which both policies decide alike: by the same rule before, and by the same rule after. */
export interface DecidedBoxes {
  readonly before: Decision;
  readonly after: Decision;
  /** Ids of interfaces that can meet such packets. */
  readonly interfaces: readonly string[];
  readonly boxes: readonly Box[];
}

interface Row extends Omit<Cell, "remote" | "service"> {
  readonly interfaces: readonly string[];
  readonly services: LineClass[];
}

type Named = DecidedBoxes & { readonly boxes: Box[] };

/** Takes the cells of one side, remote class by remote class. */
export class BoxGatherer {
  readonly #names = new Names();
  readonly #decided = new Map<string, Named>();
  readonly #boxes = new Map<string, { box: Box; remotes: RemoteClass[] }>();
  readonly #now: number;
  #rows = new Map<string, Row>();

  /** `now`: seconds of UTC at which the time dimension begins. */
  constructor(now: number) {
    this.#now = Math.floor(now);
  }

  /** A cell of the present remote class. `interfaces`: the same array for the same set. */
  add({ remote: _, service, ...cell }: Cell, interfaces: readonly string[]): void {
    const { before, after } = cell;
    const key = `${this.#names.name(interfaces)} ${nameDecision(before)} ${nameDecision(after)} ${this.#names.nameRest(cell)}`;
    const row = this.#rows.get(key);
    if (row === undefined) this.#rows.set(key, { ...cell, interfaces, services: [service] });
    else row.services.push(service);
  }

  /** The remote class is done: it joins others in which the same services differ in the same way. */
  endRemote(remote: RemoteClass): void {
    for (const [key, { before, after, interfaces, services, ...rest }] of this.#rows) {
      const full = `${remote.family} ${key} ${this.#names.nameAll(services)}`;
      const known = this.#boxes.get(full);
      if (known !== undefined) {
        known.remotes.push(remote);
        continue;
      }
      const remotes = [remote];
      const box: Box = { remotes, services, ...rest };
      this.#boxes.set(full, { box, remotes });
      this.#groupFor(before, after, interfaces).boxes.push(box);
    }
    this.#rows = new Map();
  }

  #groupFor(before: Decision, after: Decision, interfaces: readonly string[]): Named {
    const key = `${this.#names.name(interfaces)} ${nameDecision(before)} ${nameDecision(after)}`;
    const known = this.#decided.get(key);
    if (known !== undefined) return known;
    const group: Named = { before, after, interfaces, boxes: [] };
    this.#decided.set(key, group);
    return group;
  }

  /** Everything gathered, joined. Yields between slices of work. */
  *finish(): Generator<void, readonly DecidedBoxes[]> {
    const joined: DecidedBoxes[] = [];
    for (const group of this.#decided.values()) {
      joined.push({ ...group, boxes: this.#join(group.boxes) });
      yield;
    }
    return joined;
  }

  #join(boxes: readonly Box[]): readonly Box[] {
    let joined = boxes;
    for (const dimension of ["sourcePorts", "locals", "times", "services", "remotes"] as const)
      joined = this.#fold(joined, dimension);
    return joined;
  }

  /** Joins boxes that differ in this dimension only. */
  #fold(boxes: readonly Box[], dimension: keyof Box): readonly Box[] {
    const folded = new Map<string, Box>();
    for (const box of boxes) {
      const key = this.#names.nameBut(box, dimension);
      const known = folded.get(key);
      folded.set(key, known === undefined ? box : this.#unite(known, box, dimension));
    }
    return [...folded.values()];
  }

  #unite(a: Box, b: Box, dimension: keyof Box): Box {
    switch (dimension) {
      case "remotes":
        return { ...a, remotes: [...new Set([...a.remotes, ...b.remotes])] };
      case "services":
        return { ...a, services: [...new Set([...a.services, ...b.services])] };
      case "locals":
        return { ...a, locals: uniteLocals(a.locals, b.locals, a.remotes[0]?.family ?? 4) };
      case "sourcePorts":
        return { ...a, sourcePorts: uniteLine(a.sourcePorts, b.sourcePorts, 0, sourcePortEnd) };
      case "times":
        return { ...a, times: uniteLine(a.times, b.times, this.#now, secondsEnd) };
      default:
        return dimension satisfies never;
    }
  }
}

function nameDecision({ verdict, reason, rule }: Decision): string {
  return `${verdict}/${reason}/${rule ?? ""}`;
}

function uniteLocals(a: Rest["locals"], b: Rest["locals"], family: Family): Rest["locals"] {
  const joined = joinRanges([...(a ?? []), ...(b ?? [])]);
  const [only] = joined;
  const isWhole = only?.first === 0n && only.last === (1n << BigInt(widthOf(family))) - 1n;
  return isWhole ? null : joined;
}

function uniteLine(a: Rest["times"], b: Rest["times"], first: number, last: number): Rest["times"] {
  const joined = joinIntervals([...(a ?? []), ...(b ?? [])]);
  const [only] = joined;
  return joined.length === 1 && only?.first === first && only.last === last ? null : joined;
}

/** Short names for objects, so that sets of them are compared as texts. */
class Names {
  readonly #numbers = new Map<object, number>();

  name(one: object): number {
    const number = this.#numbers.get(one) ?? this.#numbers.size;
    this.#numbers.set(one, number);
    return number;
  }

  nameAll(all: readonly object[]): string {
    return all
      .map((one) => this.name(one))
      .sort((a, b) => a - b)
      .join();
  }

  nameRest({ sourcePorts, locals, times }: Rest): string {
    return [sourcePorts, locals, times]
      .map((ranges) => (ranges ?? []).map(({ first, last }) => `${first}-${last}`).join())
      .join("|");
  }

  nameBut(box: Box, dimension: keyof Box): string {
    const rest = { sourcePorts: box.sourcePorts, locals: box.locals, times: box.times };
    return JSON.stringify([
      dimension === "remotes" ? "" : this.nameAll(box.remotes),
      dimension === "services" ? "" : this.nameAll(box.services),
      this.nameRest(dimension in rest ? { ...rest, [dimension]: null } : rest),
    ]);
  }
}
