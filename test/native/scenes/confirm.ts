/** A change that the kernel takes back: the programs of bpf/confirm.bpf.c, and their timer when it expires. */
import { constants } from "node:os";
import {
  ConfirmEntryStruct,
  ConfirmKind,
  ConfirmPlace,
  ConfirmState,
  DeviceStruct,
  IdentityKeyStruct,
  IdentityStruct,
  SlotStruct,
} from "../../../src/kernel/layout.gen.ts";
import { indexKey } from "../../../src/kernel/maps.ts";
import { addressBytes, hex, toHex } from "../../support/packet.ts";

const { EBUSY, EINVAL, ENOMEM } = constants.errno;
const span = 60_000_000_000n;
const now = 5_000_000_000n;

const slot = 7;
const words = {
  before: { version: 3, generation: 10 },
  after: { version: 4, generation: 11 },
} as const;
/** One at its place, one elsewhere since another device has its place, one that is gone. */
const [near, far, gone] = [21, 65_536 + 22, 23];
const records = { before: 5, after: 6 };
const identityKey = { network: 9n, address: addressBytes("::ffff:192.0.2.12") };
/** `now`: what is written before the switch, which touches it no more. */
const flags = { before: 1, after: 3, now: 7 };

const wordOf = (value: { readonly version: number; readonly generation: number }): bigint =>
  Buffer.from(SlotStruct.encode(value)).readBigUInt64LE();
const nobody: IdentityKeyStruct = { network: 0n, address: new Uint8Array(16) };

const list: readonly ConfirmEntryStruct[] = [
  {
    kind: ConfirmKind.CONFIRM_SLOT,
    index: slot,
    before: wordOf(words.before),
    after: wordOf(words.after),
    identity: nobody,
  },
  ...[near, far, gone].map((index) => ({
    kind: ConfirmKind.CONFIRM_DEVICE,
    index,
    before: BigInt(records.before),
    after: BigInt(records.after),
    identity: nobody,
  })),
  {
    kind: ConfirmKind.CONFIRM_IDENTITY,
    index: 0,
    before: BigInt(flags.before),
    after: BigInt(flags.after),
    identity: identityKey,
  },
  // What is not there any more, or never was.
  { kind: ConfirmKind.CONFIRM_SLOT, index: 2 ** 24, before: 1n, after: 2n, identity: nobody },
  { kind: ConfirmKind.CONFIRM_IDENTITY, index: 0, before: 1n, after: 2n, identity: nobody },
  { kind: 99, index: slot, before: 1n, after: 2n, identity: nobody },
];

/** What the maps hold: of the state before, or after the change; or whatever else. */
interface Held {
  readonly slot: string;
  readonly devices: readonly string[];
  readonly flags: number;
  readonly state: string;
  /** Before it has begun it says nothing. */
  readonly deadline: bigint | null;
}

/** A program of confirm.bpf.c, what it answers, and what stands in the maps then. */
interface Act {
  readonly program: "confirm_begin" | "confirm_keep" | "confirm_undo" | "expire";
  /** Of the timer: made, aimed, started. */
  readonly errors?: readonly [number, number, number];
  readonly answer?: number;
  readonly held: "before" | "after";
  readonly state: keyof typeof ConfirmState;
}

export interface ConfirmScene {
  readonly claim: string;
  readonly acts: readonly Act[];
  /** Entries beyond the list's end are asked for, too. */
  readonly count?: number;
}

const begin: Act = { program: "confirm_begin", held: "after", state: "CONFIRM_WAITING" };
const kept = (program: Act["program"]): Act => ({ program, held: "after", state: "CONFIRM_KEPT" });
const reverted = (program: Act["program"]): Act => ({ program, held: "before", state: "CONFIRM_REVERTED" });
const failed = (errors: Act["errors"], answer: number): Act => ({
  program: "confirm_begin",
  errors: errors ?? [0, 0, 0],
  answer,
  held: "before",
  state: "CONFIRM_NONE",
});

export const confirmScenes: readonly ConfirmScene[] = [
  {
    claim: "is in force from its beginning on, and goes back whole at its deadline",
    acts: [begin, reverted("expire"), { ...reverted("expire"), answer: -1 }],
  },
  {
    claim: "stays where it is confirmed, whatever is asked afterwards",
    acts: [begin, kept("confirm_keep"), kept("expire"), kept("confirm_undo"), kept("confirm_keep")],
  },
  {
    claim: "goes back where it is undone, once",
    acts: [begin, reverted("confirm_undo"), reverted("confirm_keep"), reverted("expire")],
  },
  {
    claim: "is begun once",
    acts: [
      begin,
      { ...begin, answer: EBUSY },
      reverted("confirm_undo"),
      { ...reverted("confirm_begin"), answer: EBUSY },
    ],
  },
  {
    claim: "switches nothing where the kernel gives no timer",
    acts: [
      failed([ENOMEM, 0, 0], ENOMEM),
      failed([0, EINVAL, 0], EINVAL),
      failed([0, 0, EINVAL], EINVAL),
      { ...failed([0, 0, 0], -1), program: "expire" },
      begin,
      reverted("expire"),
    ],
  },
  {
    claim: "ends at the end of its list",
    acts: [begin, reverted("confirm_undo")],
    count: 2 ** 20,
  },
  {
    claim: "that was not begun is neither kept nor undone",
    acts: ["confirm_keep", "confirm_undo"].map((program) => ({
      ...failed([0, 0, 0], 0),
      program: program as Act["program"],
    })),
  },
];

const asked: readonly (readonly [string, Uint8Array])[] = [
  ["rw_slots", indexKey(slot)],
  ["rw_devices", indexKey(near)],
  ["rw_devices_far", indexKey(far)],
  ["rw_identities", IdentityKeyStruct.encode(identityKey)],
  ["rw_confirm", indexKey(ConfirmPlace.CONFIRM_STATE)],
  ["rw_confirm", indexKey(ConfirmPlace.CONFIRM_DEADLINE)],
];

function word(value: bigint): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, value, true);
  return bytes;
}

/** The maps as the agent leaves them before it begins, then the acts, each with what stands there then. */
export function sayConfirm({ acts, count = list.length }: ConfirmScene): string {
  const lines = [
    "rw_slots",
    "rw_devices",
    "rw_devices_far",
    "rw_identities",
    "rw_confirm",
    "rw_confirm_list",
  ].map((map) => `clear ${map}`);
  const set = (map: string, key: Uint8Array, value: Uint8Array) =>
    lines.push(`set ${map} ${toHex(key)} ${toHex(value)}`);
  set("rw_slots", indexKey(slot), SlotStruct.encode(words.before));
  set("rw_devices", indexKey(near), DeviceStruct.encode({ ifindex: near, record: records.before }));
  set("rw_devices", indexKey(far % 65_536), DeviceStruct.encode({ ifindex: far % 65_536, record: 77 }));
  set("rw_devices_far", indexKey(far), DeviceStruct.encode({ ifindex: far, record: records.before }));
  const identity = { echo: 1, generation: 11, before: 2n, after: 3n, flags: flags.now };
  set("rw_identities", IdentityKeyStruct.encode(identityKey), IdentityStruct.encode(identity));
  list.forEach((entry, index) => {
    set("rw_confirm_list", indexKey(index), ConfirmEntryStruct.encode(entry));
  });
  set("rw_confirm", indexKey(ConfirmPlace.CONFIRM_SPAN), word(span));
  set("rw_confirm", indexKey(ConfirmPlace.CONFIRM_COUNT), word(BigInt(count)));
  for (const { program, errors = [0, 0, 0] } of acts) {
    lines.push(`confirm ${program} ${now} ${errors.join(" ")}`);
    for (const [map, key] of asked) lines.push(`get ${map} ${toHex(key)}`);
  }
  return `${lines.join("\n")}\n`;
}

/** What the acts shall come to, and what they did: by act, its answer and what stands in the maps. */
export function expectConfirm({ acts }: ConfirmScene): readonly (readonly [number, Held])[] {
  let wasReverted = false;
  return acts.map(({ answer = 0, held, state }) => {
    wasReverted ||= state === "CONFIRM_REVERTED";
    return [
      answer,
      {
        slot: toHex(SlotStruct.encode(words[held])),
        devices: [near, far].map((ifindex) => toHex(DeviceStruct.encode({ ifindex, record: records[held] }))),
        flags: wasReverted ? flags.before : flags.now,
        state,
        deadline: state === "CONFIRM_NONE" ? null : now + span,
      },
    ];
  });
}

export function readConfirm(lines: readonly string[]): readonly (readonly [number, Held])[] {
  const said: (readonly [number, Held])[] = [];
  for (let at = 0; at < lines.length; at += asked.length + 1) {
    const answer = Number(lines[at]?.split(" ")[1]);
    const [slotNow = "", nearNow = "", farNow = "", identity = "", state = "", deadline = ""] = lines
      .slice(at + 1, at + 1 + asked.length)
      .map((line) => line.split(" ")[1] ?? "");
    const stateNumber = Number(Buffer.from(hex(state)).readBigUInt64LE());
    const name = Object.entries(ConfirmState).find(([, number]) => number === stateNumber)?.[0] ?? state;
    said.push([
      answer,
      {
        slot: slotNow,
        devices: [nearNow, farNow],
        flags: IdentityStruct.decode(hex(identity), 0).flags,
        state: name,
        deadline: name === "CONFIRM_NONE" ? null : Buffer.from(hex(deadline)).readBigUInt64LE(),
      },
    ]);
  }
  return said;
}
