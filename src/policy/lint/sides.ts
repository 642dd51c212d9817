/**
 * Where rules are judged: at the interfaces of all hosts, once for each set of groups; and, for every group, at a
 * member that is in this group alone, whether there is one or not.
 */
import type { Direction, Interface, Model, NicType } from "../../model/model.ts";
import { policyKeyOf } from "../identity.ts";
import { resolve } from "../resolve.ts";
import { buildSpace, indexAddresses, type KnownAddresses, type Space } from "../space.ts";
import type { PolicySide, PolicySource } from "../types.ts";

export interface LintSide {
  readonly source: PolicySource;
  readonly side: PolicySide;
  /** Interfaces that are judged here; empty: only a member to be would be. */
  readonly interfaces: readonly Interface[];
  /** One for each family. */
  readonly spaces: readonly Space[];
}

const directions: readonly Direction[] = ["egress", "ingress"];
const host = "";

/** A member of a group alone, without addresses: only its policy is of interest. */
function memberAlone(group: string, network: string, nicType: NicType): Interface {
  return {
    // No id that can be written has a space.
    id: `alone in ${group}, ${nicType}`,
    instance: "",
    hosts: [],
    device: "",
    mac: 0x02ffffffffffn,
    addresses: [],
    nicType,
    network,
    groups: [group],
    antiSpoofing: true,
    allowedAddressPairs: [],
    vlans: [],
    etherTypes: [],
    sessions: null,
    place: null,
  };
}

function membersAlone(model: Model): Interface[] {
  return [...model.groups.values()].flatMap(({ id, network }) => {
    const types: NicType[] =
      model.networks.get(network)?.type === "classic" ? ["intranet", "internet"] : ["intranet"];
    return types.map((nicType) => memberAlone(id, network, nicType));
  });
}

/** Policies of all hosts' interfaces, and of each group alone. */
function resolveAll(model: Model): ReadonlyMap<bigint, PolicySource> {
  const all = [...model.interfaces.values(), ...membersAlone(model)];
  const interfaces = new Map(all.map((own) => [own.id, { ...own, hosts: [] }]));
  return resolve({ ...model, interfaces }, { host }).policies;
}

function groupByPolicy(model: Model): ReadonlyMap<bigint, readonly Interface[]> {
  const byKey = new Map<bigint, Interface[]>();
  for (const own of model.interfaces.values()) {
    const key = policyKeyOf(own.network, own.nicType, own.groups);
    const known = byKey.get(key);
    if (known === undefined) byKey.set(key, [own]);
    else known.push(own);
  }
  return byKey;
}

/** All sides that have rules. `now`: seconds of UTC. */
export function listSides(model: Model, now: number): readonly LintSide[] {
  const holders = groupByPolicy(model);
  const addresses: KnownAddresses = indexAddresses(model);
  return [...resolveAll(model).values()].flatMap((source) =>
    directions.flatMap((direction) => {
      const side = source.sides[direction];
      if (side.rules.length === 0) return [];
      const spaces = ([4, 6] as const).map((family) =>
        buildSpace(source, direction, family, { addresses, now }),
      );
      return [{ source, side, interfaces: holders.get(source.key) ?? [], spaces }];
    }),
  );
}
