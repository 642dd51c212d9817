/** Which entries of rw_identities a change writes. */
import type { ResolvedAddress } from "../policy/types.ts";
import { identityEcho, mappedBits } from "./addresses.ts";
import { digest64 } from "./digest.ts";
import { IdentityFlag, type IdentityStruct } from "./layout.gen.ts";
import { eachIdentity, findIdentity, noteSaid, type StoredIdentities, saysAlready } from "./state.ts";

export interface IdentityWrite {
  readonly network: bigint;
  readonly address: bigint;
  readonly entry: IdentityStruct;
  /** What stood there; undo puts it back. */
  readonly previous: IdentityStruct | undefined;
}

export interface IdentityPlan {
  readonly writes: readonly IdentityWrite[];
  /** Distinct changes of identity, which policies may feel: [before, after]. */
  readonly changes: readonly (readonly [bigint, bigint])[];
  /** Entries that no address needs any more, to be deleted after the grace period. */
  readonly leftovers: readonly { readonly network: bigint; readonly address: bigint }[];
}

interface Wanted {
  readonly identity: bigint;
  readonly flags: number;
}

/** `generation`: the first that sees the change. */
export function planIdentities(
  known: StoredIdentities,
  addresses: readonly ResolvedAddress[],
  generation: number,
): IdentityPlan {
  if (saysAlready(known, addresses)) return { writes: [], changes: [], leftovers: [] };
  const wanted = indexWanted(addresses);
  const writes: IdentityWrite[] = [];
  const leftovers: { network: bigint; address: bigint }[] = [];
  const changes = new Map<bigint, Map<bigint, readonly [bigint, bigint]>>();
  const write = (
    network: bigint,
    address: bigint,
    next: Wanted,
    previous: IdentityStruct | undefined,
  ): void => {
    const before = previous?.after ?? 0n;
    const echo = identityEcho(network, address);
    if (before === next.identity && previous !== undefined) {
      writes.push({ network, address, entry: { ...previous, flags: next.flags }, previous });
      return;
    }
    const entry = { echo, generation, before, after: next.identity, flags: next.flags };
    writes.push({ network, address, entry, previous });
    const pairs = changes.get(before) ?? new Map<bigint, readonly [bigint, bigint]>();
    changes.set(before, pairs.set(next.identity, [before, next.identity]));
  };
  for (const [network, networkWanted] of wanted) {
    for (const [address, next] of networkWanted) {
      const previous = findIdentity(known, network, address);
      if (previous?.after !== next.identity || previous.flags !== next.flags)
        write(network, address, next, previous);
    }
  }
  for (const { network, address, entry } of eachIdentity(known)) {
    if (wanted.get(network)?.has(address)) continue;
    if (entry.after !== 0n) write(network, address, { identity: 0n, flags: 0 }, entry);
    leftovers.push({ network, address });
  }
  if (writes.length + leftovers.length === 0) noteSaid(known, addresses);
  return { writes, changes: [...changes.values()].flatMap((pairs) => [...pairs.values()]), leftovers };
}

function indexWanted(addresses: readonly ResolvedAddress[]): Map<bigint, Map<bigint, Wanted>> {
  const digests = new Map<string, bigint>();
  const wanted = new Map<bigint, Map<bigint, Wanted>>();
  for (const { network, address, identity, gateway } of addresses) {
    let digest = digests.get(network);
    if (digest === undefined) {
      digest = digest64(network);
      digests.set(network, digest);
    }
    let networkWanted = wanted.get(digest);
    if (networkWanted === undefined) {
      networkWanted = new Map();
      wanted.set(digest, networkWanted);
    }
    networkWanted.set(mappedBits(address), { identity, flags: gateway ? IdentityFlag.IDENTITY_GATEWAY : 0 });
  }
  return wanted;
}
