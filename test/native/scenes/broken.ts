/** Maps that are not as the agent writes them. */
import { digest64 } from "../../../src/kernel/digest.ts";
import {
  IdentityKeyStruct,
  IdentityStruct,
  InterfaceStruct,
  type PolicySideStruct,
  PolicyStruct,
  SessionKeyStruct,
  SessionState,
  SessionStruct,
  SessionTable,
  SettingsStruct,
  SlotStruct,
} from "../../../src/kernel/layout.gen.ts";
import { indexKey } from "../../../src/kernel/maps.ts";
import { defaultSettings, encodeSettings } from "../../../src/kernel/settings.ts";
import { handshakeOut, icmpOf, into, out, type Step, syn, udp, wait } from "../../semantics/steps.ts";
import { gatewayMac, guestMac } from "../../support/bed.ts";
import {
  addressBytes,
  arp,
  ethernet,
  frame,
  ipv6,
  multicastMac,
  routerSolicitation,
  toHex,
} from "../../support/packet.ts";
import type { Bench } from "../bench.ts";
import { hz, nativeJiffies } from "../program.ts";
import { asksOut, type DamagedScene, firstPiece, goesOn } from "./damaged.ts";

/** Beyond the end of every map, however it is multiplied. */
const nowhere = 2 ** 24;

function bytesOf(bytes: Uint8Array | undefined): Uint8Array {
  if (bytes === undefined) throw new Error("the map has no such entry");
  return bytes;
}

function own(bench: Bench): InterfaceStruct {
  return InterfaceStruct.decode(bytesOf(bench.maps.interfaces.get(indexKey(bench.recordOf("eni-1")))));
}

function changeRecord(bench: Bench, fields: Partial<InterfaceStruct>): void {
  const bytes = InterfaceStruct.encode({ ...own(bench), ...fields });
  bench.script.set("rw_interfaces", indexKey(bench.recordOf("eni-1")), bytes);
}

function changeSlot(bench: Bench, fields: Partial<SlotStruct>): void {
  const { slot } = own(bench);
  const word = SlotStruct.decode(bytesOf(bench.maps.slots.get(indexKey(slot))));
  bench.script.set("rw_slots", indexKey(slot), SlotStruct.encode({ ...word, ...fields }));
}

function changeSides(bench: Bench, fields: Partial<PolicySideStruct>): void {
  const { version } = SlotStruct.decode(bytesOf(bench.maps.slots.get(indexKey(own(bench).slot))));
  const policy = PolicyStruct.decode(bytesOf(bench.maps.policies.get(indexKey(version))));
  const sides = policy.sides.map((side) => ({ ...side, ...fields }));
  bench.script.set("rw_policies", indexKey(version), PolicyStruct.encode({ ...policy, sides }));
}

function changeSettings(bench: Bench, fields: Partial<SettingsStruct>): void {
  const bytes = SettingsStruct.encode({ ...encodeSettings(defaultSettings, hz, 0), ...fields });
  bench.script.set("rw_settings", indexKey(0), bytes);
}

/** Of handshakeOut() in IPv4. */
const key = SessionKeyStruct.encode({
  local: addressBytes("::ffff:192.0.2.11"),
  remote: addressBytes("::ffff:198.51.100.80"),
  localPort: 40443,
  remotePort: 443,
  protocol: 6,
  kind: 0,
});

/** A change that takes eni-2's address out of its groups has written the address, and switched nothing yet. */
function takeMate(bench: Bench): number {
  const entry = { network: digest64("vpc-a"), address: addressBytes("::ffff:192.0.2.12") };
  const mate = IdentityKeyStruct.encode(entry);
  const present = IdentityStruct.decode(bytesOf(bench.maps.identities.get(mate)));
  const slot = SlotStruct.decode(bytesOf(bench.maps.slots.get(indexKey(own(bench).slot))));
  const generation = Math.max(slot.generation, own(bench).generation) + 1;
  const changed = { ...present, before: present.after, after: 0n, generation };
  bench.script.set("rw_identities", mate, IdentityStruct.encode(changed));
  return generation;
}

/** A change that takes this link-local address from another guest has written it, and switched nothing yet. */
function takePrivate(bench: Bench): void {
  const entry = { network: digest64("vpc-a"), address: addressBytes(privateAddress) };
  const held = { echo: 0, generation: 1, before: 1n, after: 0n, flags: 0 };
  bench.script.set("rw_identities", IdentityKeyStruct.encode(entry), IdentityStruct.encode(held));
}

/** Another CPU puts this session of handshakeOut() into a table. */
function putSession(bench: Bench, table: number, time: number, fields: Partial<SessionStruct>): void {
  const zero = SessionStruct.decode(new Uint8Array(SessionStruct.SIZE));
  const seen = nativeJiffies(time) >>> 0;
  const bytes = SessionStruct.encode({ ...zero, seen, opened: seen, ...fields });
  bench.script.say(`session ${bench.numberOf("eni-1")} ${table} ${toHex(key)} ${toHex(bytes)}`);
}

const askedIn = (expected: string): Step => into(syn(22), expected);
const asksWhoHas: Extract<Step, { kind: "packet" }> = {
  kind: "packet",
  on: "eni-1",
  direction: "egress",
  expect: "drop rate-limit",
  frame: () =>
    frame(
      ethernet({ source: guestMac, destination: gatewayMac }),
      arp({
        operation: "request",
        senderMac: guestMac,
        senderAddress: "192.0.2.11",
        targetAddress: "192.0.2.1",
      }),
    ),
};
const privateAddress = "fe80::1234:5678:9abc:def0";
const asksRouters = (expected: string): Step => ({
  ...asksWhoHas,
  expect: expected,
  frame: () =>
    frame(
      ethernet({ source: guestMac, destination: multicastMac("ff02::2") }),
      ipv6({ source: privateAddress, destination: "ff02::2", hopLimit: 255 }),
      routerSolicitation(),
    ),
});
const asksDhcp = out(udp("68>67"), "drop table-full", { to: "255.255.255.255" });
const ssh = { rules: ["ingress accept tcp 22/22 any"] };
const timed = { rules: ["egress accept tcp 443/443 any expires=+600"] };

const byMates = {
  rules: ["ingress accept tcp 22/22 sg-m"],
  groups: { "sg-m": {} },
  mate: { groups: ["sg-m"] },
};
const askedByMate = (expected: string): Step => into(syn(22), expected, { from: "mate" });

export const brokenScenes: readonly DamagedScene[] = [
  {
    claim: "an address that is being changed is what it was to policies that are not yet switched",
    setting: byMates,
    damage: takeMate,
    after: [askedByMate("accept rule new"), askedIn("drop no-rule")],
  },
  {
    claim: "an address that is being changed is what it becomes to policies that are switched",
    setting: byMates,
    damage: (bench) => changeSlot(bench, { generation: takeMate(bench) }),
    after: [askedByMate("drop no-rule")],
  },
  {
    claim: "a link-local address that another guest has before a change is not free yet",
    before: [asksRouters("accept neighbour-discovery")],
    damage: takePrivate,
    after: [asksRouters("drop spoofed-address")],
  },
  {
    claim: "an interface without session tables opens no session",
    damage: (bench) => changeRecord(bench, { number: 4000 }),
    after: [
      asksOut("drop table-full"),
      out(udp("1000>53"), "drop table-full"),
      goesOn("drop table-full"),
      out(udp("1000>53"), "drop table-full", firstPiece),
      out(icmpOf([15, 15]), "drop table-full", firstPiece),
    ],
  },
  {
    claim: "an interface whose number no map has sends nothing that is bounded, and opens no session",
    setting: ssh,
    damage: (bench) => changeRecord(bench, { number: nowhere }),
    after: [asksWhoHas, asksDhcp, askedIn("drop table-full"), into(syn(23), "drop no-rule")],
  },
  {
    claim: "without jiffies a second nothing is judged, however well it is known",
    before: handshakeOut(),
    damage: (bench) => changeSettings(bench, { hz: 0 }),
    after: [goesOn("drop not-ready"), asksOut("drop not-ready")],
  },
  {
    claim: "a slot that does not exist judges nothing",
    before: handshakeOut(),
    damage: (bench) => changeRecord(bench, { slot: nowhere }),
    after: [goesOn("drop not-ready"), asksOut("drop not-ready")],
  },
  {
    claim: "a slot without a policy judges nothing, however well it is known",
    before: handshakeOut(),
    damage: (bench) => changeSlot(bench, { version: 0 }),
    after: [goesOn("drop not-ready"), asksOut("drop not-ready")],
  },
  {
    claim: "a policy that does not exist accepts nothing",
    setting: ssh,
    damage: (bench) => changeSlot(bench, { version: nowhere }),
    after: [asksOut("drop not-ready"), askedIn("drop not-ready")],
  },
  {
    claim: "a policy that does not exist keeps no session that a rule with an end allowed",
    setting: timed,
    before: handshakeOut("accept rule new"),
    damage: (bench) => changeSlot(bench, { version: nowhere }),
    after: [goesOn("drop not-ready"), goesOn("drop revoked")],
  },
  {
    claim: "a policy whose cells do not exist accepts nothing",
    setting: ssh,
    damage: (bench) => changeSides(bench, { service: nowhere }),
    after: [asksOut("drop not-ready"), askedIn("drop not-ready")],
  },
  {
    claim: "a policy whose only cell does not exist accepts nothing",
    damage: (bench) => changeSides(bench, { service: nowhere, serviceCells: 1 }),
    after: [asksOut("drop not-ready"), askedIn("drop not-ready")],
  },
  {
    claim: "a policy whose cells of source ports do not exist accepts nothing",
    setting: { rules: ["ingress accept tcp 22/22 any sourcePortRange=1024/65535"] },
    damage: (bench) => changeSides(bench, { sourcePort: nowhere }),
    after: [askedIn("drop not-ready")],
  },
  {
    claim: "a policy whose cells of time do not exist accepts nothing",
    setting: timed,
    damage: (bench) => changeSides(bench, { expires: nowhere }),
    after: [asksOut("drop not-ready")],
  },
  {
    claim: "rules whose words do not exist allow nothing",
    setting: ssh,
    damage: (bench) => {
      for (let cell = 0; cell < 64; cell++)
        bench.script.set("rw_cells", indexKey(cell), new Uint8Array(16).fill(0xff));
    },
    after: [askedIn("drop no-rule")],
  },
  {
    claim: "a session of a state that nobody knows is over",
    damage: (bench) => putSession(bench, SessionTable.TABLE_ESTABLISHED, 0, { state: 200 }),
    after: [asksOut("accept default-egress new")],
    sessions: ["established 1"],
  },
  {
    claim: "a session in two tables that is over in both begins anew in one of them, and goes on there",
    before: handshakeOut(),
    damage: (bench) =>
      putSession(bench, SessionTable.TABLE_OPENING, 0, { state: SessionState.STATE_TCP_OPENING }),
    after: [wait(911), ...handshakeOut(), goesOn("accept session established")],
    sessions: ["established 2"],
  },
];
