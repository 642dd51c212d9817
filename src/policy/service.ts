/** The service dimension: protocol and destination port, or ICMP type and code, as one number (enum service). */
import type { Family, Rule } from "../model/model.ts";
import type { Interval } from "./intervals.ts";
import { serviceOtherFamily } from "./layout.ts";

const protocolIcmp = 1;
const protocolTcp = 6;
const protocolUdp = 17;
const protocolIcmpv6 = 58;

/** The last service number there is. */
export const serviceEnd = serviceOtherFamily + (255 << 16);

export const sourcePortEnd = 65535;

/** Seconds of UTC are 32 bits in the kernel. */
export const secondsEnd = 2 ** 32 - 1;

/** What of a packet the service dimension asks. `port` is the destination's. */
export interface ServiceQuestion {
  readonly family: Family;
  readonly protocol: number;
  readonly port: number;
  readonly icmpType: number;
  readonly icmpCode: number;
}

/** The service number of a packet, as the kernel computes it. Fields that its protocol lacks are not looked at. */
export function serviceOf(question: ServiceQuestion): number {
  const block = question.protocol << 16;
  switch (question.protocol) {
    case protocolTcp:
    case protocolUdp:
      return block | question.port;
    case protocolIcmp:
    case protocolIcmpv6: {
      const family = question.protocol === protocolIcmp ? 4 : 6;
      return question.family === family
        ? block | (question.icmpType << 8) | question.icmpCode
        : serviceOtherFamily | block;
    }
    default:
      return block;
  }
}

/** The service numbers that a rule matches. `all` reaches to the end of the dimension. */
export function serviceInterval(rule: Rule): Interval {
  if (rule.protocolNumber === null) {
    return { first: 0, last: serviceEnd };
  }
  const block = rule.protocolNumber << 16;
  if (rule.ports !== null) {
    return { first: block + rule.ports.first, last: block + rule.ports.last };
  }
  if (rule.icmpType === null) {
    return { first: block, last: block + 0xffff };
  }
  const type = block + (rule.icmpType << 8);
  return rule.icmpCode === null
    ? { first: type, last: type + 0xff }
    : { first: type + rule.icmpCode, last: type + rule.icmpCode };
}

/** The source ports that a rule matches; portless packets count as port 0, but such a rule names a protocol with ports. */
export function sourcePortInterval(rule: Rule): Interval {
  return rule.sourcePorts ?? { first: 0, last: sourcePortEnd };
}

/**
 * The whole seconds of UTC in which a rule matches; null: it expired before 1970 and never does. One that
 * expires later than the kernel can count (2106) never expires.
 */
export function expiryInterval(rule: Rule): Interval | null {
  // The kernel asks in whole seconds: second s counts while s < expires.
  const last = rule.expires === null ? secondsEnd : Math.ceil(rule.expires) - 1;
  return last < 0 ? null : { first: 0, last };
}
