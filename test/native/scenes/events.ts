/** What an event says of the packet that it is about. */
import { digest64 } from "../../../src/kernel/digest.ts";
import { Action, Direction, type EventStruct, Hook, Reason } from "../../../src/kernel/layout.gen.ts";
import type { Family } from "../../../src/model/model.ts";
import { addressOf } from "../../semantics/places.ts";
import { plays } from "../../semantics/rows.ts";
import { icmpOf, into, out, protocol, syn, udp, wait } from "../../semantics/steps.ts";
import { gatewayMac, guestMac } from "../../support/bed.ts";
import { addressBytes, macBytes } from "../../support/packet.ts";
import { sayRow } from "../rows.ts";

export interface EventScene {
  readonly claim: string;
  readonly text: string;
  readonly expected: readonly Partial<EventStruct>[];
}

const bytesOf = (name: string, family: Family): Uint8Array =>
  addressBytes(family === 4 ? `::ffff:${addressOf(name, 4)}` : addressOf(name, 6));
/** Seconds of UTC at a row's first packet, as the native program tells monotonic time: nanoseconds. */
const start = 1_800_000_000n * 1_000_000_000n;
const noRule = 0xffffffff;

const rules = ["ingress drop tcp 22/22 any", "egress drop udp 53/53 any priority=2", "egress drop icmp any"];
const setting = { rules: [...rules, "egress drop 50 any"] };
const steps = [
  into(syn(22, 50022), "drop rule"),
  into(udp("1000>2000"), "drop no-rule"),
  wait(3),
  out(udp("1000>53", 10), "drop rule"),
  out(icmpOf([8, 128], { code: 3 }), "drop rule"),
  out(protocol(50), "drop rule"),
  out(syn(443), "accept default-egress new"),
];

function ofFamily(family: Family): readonly Partial<EventStruct>[] {
  const [ip, me, peer] = [family === 4 ? 20 : 40, bytesOf("me", family), bytesOf("peer", family)];
  const common = {
    interface: digest64("eni-1"),
    action: Action.DROP,
    ethertype: family === 4 ? 0x0800 : 0x86dd,
  };
  const inward = {
    ...common,
    direction: Direction.INGRESS,
    hook: Hook.HOOK_TC_EGRESS,
    sourceMac: macBytes(gatewayMac),
    destinationMac: macBytes(guestMac),
    source: peer,
    destination: me,
    time: start,
  };
  const outward = {
    ...common,
    direction: Direction.EGRESS,
    hook: Hook.HOOK_XDP,
    sourceMac: macBytes(guestMac),
    destinationMac: macBytes(gatewayMac),
    source: me,
    destination: peer,
    reason: Reason.REASON_RULE,
    time: start + 3_000_000_000n,
  };
  const portless = { sourcePort: 0, destinationPort: 0, tcpFlags: 0 };
  return [
    {
      ...inward,
      ...{ reason: Reason.REASON_RULE, rule: 0, length: 14 + ip + 20 },
      ...{ protocol: 6, tcpFlags: 2, sourcePort: 50022, destinationPort: 22 },
      ...{ icmpType: 0, icmpCode: 0 },
    },
    {
      ...inward,
      ...{ reason: Reason.REASON_NO_RULE, rule: noRule, length: 14 + ip + 12 },
      ...{ protocol: 17, tcpFlags: 0, sourcePort: 1000, destinationPort: 2000 },
    },
    {
      ...outward,
      ...{ length: 14 + ip + 18, protocol: 17, sourcePort: 1000, destinationPort: 53 },
    },
    {
      ...outward,
      ...portless,
      ...{ protocol: family === 4 ? 1 : 58, icmpType: family === 4 ? 8 : 128, icmpCode: 3 },
    },
    { ...outward, ...portless, protocol: 50, icmpType: 0, icmpCode: 0 },
  ];
}

export async function eventScenes(): Promise<readonly EventScene[]> {
  const scenes: EventScene[] = [];
  for (const family of [4, 6] as const) {
    const { text } = await sayRow(plays("", setting, steps), family);
    const claim = `says who sent what to whom, when, and why it was dropped (IPv${family})`;
    scenes.push({ claim, text, expected: ofFamily(family) });
  }
  return scenes;
}
