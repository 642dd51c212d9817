/** Every version in the maps: those in force are proven again, what is nobody's is found. */
import { formatPrefix } from "../model/cidr.ts";
import type { CompiledPolicy } from "../policy/types.ts";
import { errorText } from "./errors.ts";
import type { Compared, Finding } from "./finding.ts";
import { BitsStruct, CellStruct, GroupKeyStruct, PolicyStruct, PrefixKeyStruct } from "./layout.gen.ts";
import { keyText, type MapEntries, textKey } from "./maps.ts";
import { decodePrefixKey, type HeldPolicy } from "./policy-decode.ts";
import { encodePolicy } from "./policy-entries.ts";
import { proveHeld } from "./proof.ts";
import { readPolicy } from "./read-policy.ts";
import type { StoredPolicy } from "./state.ts";
import { deleteBatch, erasePolicy } from "./write.ts";

/** What a look at one version said: null where it is proven, and exactly what was written. */
export type OnChecked = (version: number, problem: string | null) => void;

/** What was read of a version, whether or not it has a header. */
export function rawPolicy({ raw }: Pick<Compared, "raw">, version: number): StoredPolicy {
  return {
    header: raw.headers.get(version) ?? PolicyStruct.decode(new Uint8Array(PolicyStruct.SIZE)),
    prefixKeys: raw.prefixKeys.get(version) ?? [],
    groups: raw.groups.get(version) ?? [new Map(), new Map()],
  };
}

/** One version with the entries of both. */
export function joinStored(stored: StoredPolicy, other: StoredPolicy): StoredPolicy {
  return {
    header: stored.header,
    prefixKeys: [...stored.prefixKeys, ...other.prefixKeys],
    groups: [
      new Map([...stored.groups[0], ...other.groups[0]]),
      new Map([...stored.groups[1], ...other.groups[1]]),
    ],
  };
}

/** One version that is in force; `compiled` is what its rules compile to. */
export function* findPolicy(
  compared: Compared,
  version: number,
  compiled: CompiledPolicy,
  onChecked: OnChecked,
): Generator<Finding | null> {
  yield null;
  const { problem, places } = checkPolicy(compared, version, compiled);
  const meaning = problem ?? `the policy of ${compiled.source.groups.join(", ")} judges as before`;
  onChecked(version, places.length === 0 ? null : meaning);
  const interfaces = compared.holders.ofVersion(version);
  for (const { map, place } of places) yield { map, message: `${place}: ${meaning}`, interfaces, mend: null };
}

/** `problem`: null where the policy judges as its rules say, though something may have been added to it. */
function checkPolicy(compared: Compared, version: number, compiled: CompiledPolicy) {
  const { maps, known, resolved } = compared;
  const map = maps.policies.info.name;
  const { header } = known.policies.get(version) ?? rawPolicy(compared, version);
  const held = rawPolicy(compared, version);
  // With another header its ranges may be anything: nothing is read by them.
  if (Buffer.compare(PolicyStruct.encode(held.header), PolicyStruct.encode(header)) !== 0) {
    const problem = `the policy of ${compiled.source.groups.join(", ")} cannot be read by the programs as it was written`;
    return { problem, places: [{ map, place: `the header of version ${version} differs` }] };
  }
  try {
    const read = readPolicy(maps, version, held);
    const wanted = encodePolicy(compiled, version, { cells: header.cells, words: header.words });
    const problem = proveHeld(compiled.source, resolved.identities, read);
    if (problem === null && hasSameKeys(read, wanted)) return { problem, places: [] };
    const places = listPlaces(compared, read, wanted);
    const whole = { map, place: `version ${version} is not what its rules say` };
    return { problem, places: places.length > 0 ? places : [whole] };
  } catch (error) {
    return { problem: errorText(error), places: [{ map, place: `version ${version} cannot be read` }] };
  }
}

interface Place {
  readonly map: string;
  readonly place: string;
}

type Encoded = ReturnType<typeof encodePolicy>;

/** Neither more prefixes and identities than were written, nor fewer. */
function hasSameKeys({ prefixes, groups }: HeldPolicy, wanted: Encoded): boolean {
  return (
    prefixes.count * PrefixKeyStruct.SIZE === wanted.prefixKeys.length && groups.count === wanted.groupCount
  );
}

/** Where the maps do not have what was written, a place for each map. */
function listPlaces({ maps }: Compared, held: HeldPolicy, wanted: Encoded): Place[] {
  const { cells, words } = held.header;
  const prefixes = { count: 0, keys: wanted.prefixKeys, values: wanted.prefixValues };
  const groups = { count: 0, keys: wanted.groupKeys, values: wanted.groupValues };
  const places = [
    [maps.cells, findInRun(held.cells, wanted.cells, CellStruct.SIZE, cells, "cell")],
    [maps.words, findInRun(held.words, wanted.words, 8, words, "word")],
    [maps.prefixes, findInEntries(held.prefixes, prefixes, PrefixKeyStruct.SIZE, describePrefix)],
    [maps.groupBits, findInEntries(held.groups, groups, GroupKeyStruct.SIZE, describeGroup)],
  ] as const;
  return places.flatMap(([map, place]) => (place === null ? [] : [{ map: map.info.name, place }]));
}

function describePrefix(key: Uint8Array): string {
  const { direction, local, prefix } = decodePrefixKey(key);
  return `${direction} ${local ? "local" : "remote"} prefix ${formatPrefix(prefix)}`;
}

function describeGroup(key: Uint8Array): string {
  const { side, identity } = GroupKeyStruct.decode(key);
  return `${side === 0 ? "egress" : "ingress"} bits of identity ${identity.toString(16)}`;
}

function findInRun(
  held: Uint8Array,
  wanted: Uint8Array,
  size: number,
  first: number,
  name: string,
): string | null {
  for (let index = 0; index * size < wanted.length; index++) {
    const [start, end] = [index * size, (index + 1) * size];
    if (Buffer.compare(held.subarray(start, end), wanted.subarray(start, end)) !== 0)
      return `${name} ${first + index} differs`;
  }
  return null;
}

type KeysAndValues = Omit<MapEntries, "count">;

function findInEntries(
  held: KeysAndValues,
  wanted: KeysAndValues,
  keySize: number,
  describe: (key: Uint8Array) => string,
): string | null {
  const there = indexEntries(held, keySize);
  const meant = indexEntries(wanted, keySize);
  for (const [key, value] of meant) {
    if (!there.has(key)) return `${describe(textKey(key))} was missing`;
    if (there.get(key) !== value) return `${describe(textKey(key))} was changed`;
  }
  for (const key of there.keys()) if (!meant.has(key)) return `${describe(textKey(key))} was added`;
  return null;
}

/** Keys and values of struct bits as text. */
function indexEntries({ keys, values }: KeysAndValues, keySize: number): Map<string, string> {
  const index = new Map<string, string>();
  for (let at = 0; at * keySize < keys.length; at++) {
    const value = values.subarray(at * BitsStruct.SIZE, (at + 1) * BitsStruct.SIZE);
    index.set(keyText(keys.subarray(at * keySize, (at + 1) * keySize)), keyText(value));
  }
  return index;
}

/** Versions that nothing names, and prefixes so short that they answer for every version. */
export function* findForeign({ maps, raw, known }: Compared): Generator<Finding> {
  for (const key of raw.strayPrefixes) {
    yield {
      map: maps.prefixes.info.name,
      message: "a prefix shorter than a version's number was added: it answered for every policy",
      interfaces: [],
      mend: () => deleteBatch(maps.prefixes, key, 1),
    };
  }
  const lists = [
    [maps.policies, raw.headers],
    [maps.prefixes, raw.prefixKeys],
    [maps.groupBits, raw.groups],
  ] as const;
  for (const [map, versions] of lists) {
    for (const version of versions.keys()) {
      if (known.policies.has(version)) continue;
      const policy = rawPolicy({ raw }, version);
      yield {
        map: map.info.name,
        message: `version ${version} is nobody's, but there is something of it`,
        interfaces: [],
        isAdded: true,
        mend: () => erasePolicy(maps, version, policy),
      };
    }
  }
}
