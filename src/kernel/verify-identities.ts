/** Addresses and the sets of groups that stand behind them. */
import { formatAddress } from "../model/cidr.ts";
import { decodeAddress, identityEcho, mappedBytes } from "./addresses.ts";
import type { Compared, Finding } from "./finding.ts";
import { IdentityFlag, type IdentityStruct } from "./layout.gen.ts";
import {
  eachIdentity,
  feelsStored,
  findIdentity,
  type KnownState,
  type StoredPolicy,
  storeIdentity,
} from "./state.ts";
import { deleteBatch, encodeIdentities, identityKey, writeBatch } from "./write.ts";

/** The network's id and the owners of an address, for messages. */
export interface AddressNames {
  network(digest: bigint): string;
  owners(network: bigint, address: bigint): readonly string[];
}

export function* findIdentities(compared: Compared, names: AddressNames): Generator<Finding | null> {
  const { maps, raw, known, resolved } = compared;
  const map = maps.identities.info.name;
  const say = (identity: bigint) => {
    const groups = resolved.identities.get(identity);
    return groups === undefined ? identity.toString(16) : groups.join(", ") || "no group";
  };
  const isFelt = createFeeling(compared);
  for (const { network, address, entry } of eachIdentity(known.identities)) {
    yield null;
    // Of what an earlier agent left, too: the programs refuse what has another echo, and no policy may tell `before`
    // from `after` that still sees `before`.
    const held = findIdentity(raw.identities, network, address);
    const flags = compared.isHeld ? (held?.flags ?? entry.flags) : entry.flags;
    const before = isFelt(entry) ? entry.after : entry.before;
    const wanted = { ...entry, before, flags, echo: identityEcho(network, address) };
    if (held !== undefined && isSameIdentity(held, wanted)) continue;
    const text = `${formatAddress(decodeAddress(mappedBytes(address)))} in ${names.network(network)}`;
    const instead = held === undefined ? "stood for nobody" : describeHeld(held, wanted, say);
    yield {
      map,
      message: `${text} ${instead} instead of ${say(wanted.after)}: rules that name its groups did not meet it`,
      interfaces: names.owners(network, address),
      mend: () => {
        const { keys, values } = encodeIdentities([{ network, address, entry: wanted }]);
        writeBatch(maps.identities, keys, values, 1);
        storeIdentity(known.identities, network, address, wanted);
      },
    };
  }
  for (const { network, address, entry } of eachIdentity(raw.identities)) {
    yield null;
    if (findIdentity(known.identities, network, address) !== undefined) continue;
    const text = formatAddress(decodeAddress(mappedBytes(address)));
    yield {
      map,
      message: `${text} in ${names.network(network)} is no member's address, but stood for ${say(entry.after)}`,
      interfaces: [],
      isAdded: true,
      mend: () => deleteBatch(maps.identities, identityKey({ network, address }), 1),
    };
  }
}

/** Whether some policy in force sees an entry's `before`, and judges by it otherwise than by `after`. */
function createFeeling({ known, isHeld }: Compared): (entry: IdentityStruct) => boolean {
  const views = isHeld ? [] : listViews(known);
  const answers = new Map<string, boolean>();
  return ({ generation, before, after }) => {
    if (before === after) return false;
    const key = `${generation} ${before} ${after}`;
    const found = answers.get(key);
    if (found !== undefined) return found;
    const felt = views.some(
      (view) => view.generation < generation && feelsStored(view.policy, before, after),
    );
    answers.set(key, felt);
    return felt;
  };
}

/** The generation that the packets of each interface have, and the policy that judges them. */
function listViews(known: KnownState): { readonly generation: number; readonly policy: StoredPolicy }[] {
  return [...known.live.values()].flatMap((record) => {
    const struct = known.records.get(record)?.struct;
    const word = struct === undefined ? undefined : known.slots.get(struct.slot);
    const policy = word === undefined ? undefined : known.policies.get(word.version);
    if (struct === undefined || word === undefined || policy === undefined) return [];
    return [{ generation: Math.max(struct.generation, word.generation), policy }];
  });
}

function describeHeld(
  held: IdentityStruct,
  wanted: IdentityStruct,
  say: (identity: bigint) => string,
): string {
  if (held.after !== wanted.after) return `stood for ${say(held.after)}`;
  if (held.before !== wanted.before || held.generation !== wanted.generation)
    return `stood, for some policies, for ${say(held.before)}`;
  if (held.echo !== wanted.echo) return "could not be read by the programs";
  const gateway = (held.flags & IdentityFlag.IDENTITY_GATEWAY) !== 0;
  return gateway ? "stood for a gateway" : "was no gateway";
}

function isSameIdentity(a: IdentityStruct, b: IdentityStruct): boolean {
  return (
    a.echo === b.echo &&
    a.generation === b.generation &&
    a.before === b.before &&
    a.after === b.after &&
    a.flags === b.flags
  );
}
