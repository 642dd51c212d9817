/**
 * Compares everything that the programs judge by with what the agent left there, and proves every policy in force
 * again. Nothing is changed here; each finding says how it is put right.
 */
import type { CompiledPolicy, Resolved } from "../policy/types.ts";
import { mappedBits } from "./addresses.ts";
import { clearStrayDevices } from "./devices-map.ts";
import { digest64 } from "./digest.ts";
import type { Compared, Finding } from "./finding.ts";
import { Holders } from "./holders.ts";
import type { SyncMaps } from "./maps.ts";
import { isSamePolicy } from "./policy-entries.ts";
import type { RawState } from "./readback.ts";
import { createPauses } from "./slices.ts";
import type { KnownState } from "./state.ts";
import { type AddressNames, findIdentities } from "./verify-identities.ts";
import { findDevices, findSlots, findUplinks } from "./verify-places.ts";
import { findForeign, findPolicy, type OnChecked } from "./verify-policies.ts";
import { findRecords } from "./verify-records.ts";

export interface VerifyInput {
  readonly maps: SyncMaps;
  readonly raw: RawState;
  readonly known: KnownState;
  readonly resolved: Resolved;
  readonly policies: ReadonlyMap<bigint, CompiledPolicy>;
  readonly isHeld: boolean;
  readonly onRecordBroken: (record: number) => void;
  readonly onPolicyChecked: OnChecked;
}

/** All that differs; the event loop goes on meanwhile. Policies that the model does not name are left out. */
export async function findDifferences(input: VerifyInput): Promise<readonly Finding[]> {
  const { maps, raw, known, resolved, isHeld } = input;
  const compared = { maps, raw, known, resolved, isHeld, holders: new Holders(known, resolved) };
  const pause = createPauses();
  const findings: Finding[] = [];
  for (const finding of eachFinding(compared, input)) {
    if (finding === null) await pause();
    else findings.push(finding);
  }
  // What the state before needs is unknown to an agent that started meanwhile.
  return isHeld ? findings.filter(({ isAdded }) => isAdded !== true) : findings;
}

/** Null: a place to pause at. */
function* eachFinding(compared: Compared, input: VerifyInput): Generator<Finding | null> {
  const { known, resolved, policies, onRecordBroken, onPolicyChecked } = input;
  yield* findStrays(compared);
  // What a change that waits has switched is the kernel's until the decision.
  if (!compared.isHeld) {
    yield* findDevices(compared);
    yield* findSlots(compared);
  }
  yield* findUplinks(compared);
  yield* findForeign(compared);
  yield* findRecords(compared, onRecordBroken);
  yield* findIdentities(compared, nameAddresses(resolved));
  for (const [version, { header }] of known.policies) {
    const compiled = policies.get(header.key);
    // Another content is of the model before, while a change waits for its confirmation.
    if (compiled !== undefined && isSamePolicy(header, compiled))
      yield* findPolicy(compared, version, compiled, onPolicyChecked);
  }
}

/** Words of devices at places where no look-up looks for them. First: they stand in the way of others. */
function* findStrays({ maps, raw }: Compared): Generator<Finding> {
  const strays = [
    ...raw.strayNear.map((place) => ({ place, strayNear: [place], strayFar: [] })),
    ...raw.strayFar.map((place) => ({ place, strayNear: [], strayFar: [place] })),
  ];
  for (const { place, ...words } of strays) {
    yield {
      map: (words.strayNear.length > 0 ? maps.devices : maps.devicesFar).info.name,
      message: `place ${place} held the word of another device: the device there was judged by nobody's rules`,
      interfaces: [],
      mend: () => clearStrayDevices(maps, words),
    };
  }
}

/** Indexed when first asked: mostly nothing is wrong. */
function nameAddresses(resolved: Resolved): AddressNames {
  let networks: ReadonlyMap<bigint, string> | null = null;
  const networkOf = (digest: bigint): string => {
    networks ??= new Map([...resolved.model.networks.keys()].map((id) => [digest64(id), id]));
    return networks.get(digest) ?? digest.toString(16);
  };
  return {
    network: networkOf,
    owners: (digest, address) => {
      const network = networkOf(digest);
      return [...resolved.model.interfaces.values()]
        .filter(
          (each) => each.network === network && each.addresses.some((own) => mappedBits(own) === address),
        )
        .map(({ id }) => id);
    },
  };
}
