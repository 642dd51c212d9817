/** The words that a change switches, and what they were: what the kernel needs to take it back. Pure. */
import { mappedBytes } from "./addresses.ts";
import { type ConfirmEntryStruct, ConfirmKind } from "./layout.gen.ts";
import { packWord } from "./maps.ts";
import type { ChangePlan } from "./plan.ts";
import { journalSlot, type KnownState, type SlotWord } from "./state.ts";

const noIdentity = { network: 0n, address: new Uint8Array(16) };
const noSlot: SlotWord = { version: 0, generation: 0 };

/** Everything that `plan` switches. What its identities say needs no entry: the old generations see `before`. */
export function listEntries(known: KnownState, plan: ChangePlan): readonly ConfirmEntryStruct[] {
  const devices = [...plan.deviceSwitches].map(([ifindex, record]) =>
    deviceEntry(ifindex, known.devices.get(ifindex) ?? record, record),
  );
  const slots = [...plan.slotSwitches].map(([slot, word]) =>
    slotEntry(slot, known.slots.get(slot) ?? noSlot, word),
  );
  return [journalEntry(known, plan), ...devices, ...slots, ...identityEntries(plan)];
}

/** The generation was in force, so it is never used again: what goes back remembers it. */
function journalEntry(known: KnownState, plan: ChangePlan): ConfirmEntryStruct {
  const journal = known.slots.get(journalSlot) ?? noSlot;
  if (!plan.changes) return slotEntry(journalSlot, journal, journal);
  const back = { version: plan.generation, generation: journal.generation };
  return slotEntry(journalSlot, back, { version: 0, generation: plan.generation });
}

function slotEntry(slot: number, before: SlotWord, after: SlotWord): ConfirmEntryStruct {
  return {
    kind: ConfirmKind.CONFIRM_SLOT,
    index: slot,
    before: packWord(before.version, before.generation),
    after: packWord(after.version, after.generation),
    identity: noIdentity,
  };
}

/** A device's record before a change, and after it. */
export function deviceEntry(ifindex: number, before: number, after: number): ConfirmEntryStruct {
  return {
    kind: ConfirmKind.CONFIRM_DEVICE,
    index: ifindex,
    before: BigInt(before),
    after: BigInt(after),
    identity: noIdentity,
  };
}

/** Flags have no generation: they are put back by themselves. */
function identityEntries(plan: ChangePlan): readonly ConfirmEntryStruct[] {
  return plan.identities.writes.flatMap(({ network, address, entry, previous }) => {
    const before = previous?.flags ?? 0;
    if (before === entry.flags) return [];
    return [
      {
        kind: ConfirmKind.CONFIRM_IDENTITY,
        index: 0,
        before: BigInt(before),
        after: BigInt(entry.flags),
        identity: { network, address: mappedBytes(address) },
      },
    ];
  });
}
