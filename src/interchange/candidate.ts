/** Groups of a source before their rules are read: all are known by their ids first, so that they may name each other. */
import type { Importer } from "./importer.ts";
import type { PlainGroup } from "./plain.ts";

export interface Candidate {
  readonly sourceId: string;
  /** Other names that `--only` may use. */
  readonly names: readonly string[];
  readonly place: string;
  /** The source's network; null where it does not say. */
  readonly network: string | null;
  /** Reads it as the group of this id. */
  readonly read: (id: string) => PlainGroup;
}

/** Imports those that are wanted. @throws Unsayable for what no part of the source can be used without */
export function importCandidates(importer: Importer, candidates: readonly Candidate[]): void {
  const wanted = chooseCandidates(importer, candidates);
  const declared = wanted.map((candidate) => ({
    ...candidate,
    id: importer.declareGroup(candidate.sourceId, candidate.place),
  }));
  importer.checkWanted(candidates.map(({ sourceId, names }) => [sourceId, ...names]));
  refuseSeveralNetworks(importer, declared);
  for (const { id, read } of declared) importer.groups.set(id, read(id));
}

/** Those that are asked for; of several, into one group, the one that has its id. */
function chooseCandidates(importer: Importer, candidates: readonly Candidate[]): readonly Candidate[] {
  const wanted = candidates.filter(({ sourceId, names }) => importer.wants(sourceId, ...names));
  const same = wanted.filter(({ sourceId }) => sourceId === importer.target.name);
  return same.length === 1 ? same : wanted;
}

/** Addresses of two networks may be equal, so one network here cannot stand for both. */
function refuseSeveralNetworks(
  importer: Importer,
  declared: readonly (Candidate & { readonly id: string })[],
): void {
  const networks = new Map<string, string[]>();
  for (const { network, id } of declared) {
    if (network !== null) networks.set(network, [...(networks.get(network) ?? []), id]);
  }
  if (networks.size < 2) return;
  const shown = [...networks].slice(0, 5).map(([name, ids]) => `${name} (${ids.slice(0, 5).join(", ")})`);
  const message = `groups of ${networks.size} VPCs: ${shown.join(", ")}`;
  importer.refuse("other-network", { place: "", group: null }, message, "--only and the groups of one");
}
