/** From a question as people put it to the packet that is meant. */
import type { Address, Direction, Family, Interface, Model } from "../model/model.ts";
import { parseProtocol } from "../model/protocol.ts";
import { addressesOf, type End, findEnds, QuestionError } from "./ends.ts";
import type { Question } from "./rules.ts";

/** `explain --from X --to Y --protocol tcp --port 80 …`. */
export interface PacketQuestion {
  readonly from: string;
  readonly to: string;
  readonly protocol: string | number;
  readonly port?: number | undefined;
  readonly sourcePort?: number | undefined;
  readonly icmpType?: number | undefined;
  readonly icmpCode?: number | undefined;
  /** Narrows addresses that several networks have. */
  readonly network?: string | undefined;
}

export interface PacketEnd {
  readonly interface: Interface | null;
  readonly address: Address;
}

/** A protected end and what the packet asks it. */
export interface PacketSide {
  readonly interface: Interface;
  readonly direction: Direction;
  readonly question: Question;
}

/** The packet that a question means. */
export interface PacketMeant {
  readonly from: PacketEnd;
  readonly to: PacketEnd;
  readonly protocol: number;
  readonly sourcePort: number | null;
  readonly destinationPort: number | null;
  readonly icmpType: number | null;
  readonly icmpCode: number | null;
  /** Protected ends only, egress first. */
  readonly sides: readonly PacketSide[];
}

/** A port that systems choose for themselves. */
const ephemeralPort = 49152;

type Service = Pick<PacketMeant, "protocol" | "sourcePort" | "destinationPort" | "icmpType" | "icmpCode">;

function refuseOutside(name: string, value: number | undefined, last: number): void {
  if (value === undefined || (Number.isInteger(value) && value >= 0 && value <= last)) return;
  throw new QuestionError(`${name} ${value}: write a whole number from 0 to ${last}`);
}

function refuseOthers(asked: PacketQuestion, names: readonly (keyof PacketQuestion)[]): void {
  const wrong = names.find((name) => asked[name] !== undefined);
  if (wrong !== undefined) throw new QuestionError(`${wrong}: ${asked.protocol} has none, leave it out`);
}

/** A protocol's number; a text such as "132" is taken as the number that it is. */
export function readProtocol(written: string | number): number | null {
  const number = typeof written === "string" && /^\d{1,3}$/.test(written) ? Number(written) : written;
  const parsed = parseProtocol(number);
  if (parsed.ok) return parsed.value.number;
  throw new QuestionError(`protocol: ${parsed.problem.message}`);
}

function readService(asked: PacketQuestion): Service {
  const protocol = readProtocol(asked.protocol);
  if (protocol === null) {
    throw new QuestionError(
      "protocol all: a packet has one protocol, write tcp, udp, icmp, icmpv6, gre or a number",
    );
  }
  refuseOutside("port", asked.port, 65535);
  refuseOutside("sourcePort", asked.sourcePort, 65535);
  refuseOutside("icmpType", asked.icmpType, 255);
  refuseOutside("icmpCode", asked.icmpCode, 255);
  const none = { sourcePort: null, destinationPort: null, icmpType: null, icmpCode: null };
  if (protocol === 6 || protocol === 17) {
    refuseOthers(asked, ["icmpType", "icmpCode"]);
    if (asked.port === undefined) throw new QuestionError(`${asked.protocol} needs a port: add --port 80`);
    return { ...none, protocol, destinationPort: asked.port, sourcePort: asked.sourcePort ?? ephemeralPort };
  }
  refuseOthers(asked, ["port", "sourcePort"]);
  if (protocol === 1 || protocol === 58) {
    const echo = protocol === 1 ? 8 : 128;
    return { ...none, protocol, icmpType: asked.icmpType ?? echo, icmpCode: asked.icmpCode ?? 0 };
  }
  refuseOthers(asked, ["icmpType", "icmpCode"]);
  return { ...none, protocol };
}

/** The family that the protocol asks for, or those that both ends have. */
function chooseAddresses(from: End, to: End, protocol: number): { from: Address; to: Address } {
  const families: readonly Family[] = protocol === 1 ? [4] : protocol === 58 ? [6] : [4, 6];
  for (const family of families) {
    const [source] = addressesOf(from, family);
    const [destination] = addressesOf(to, family);
    if (source !== undefined && destination !== undefined) return { from: source, to: destination };
  }
  const names = families.map((family) => `IPv${family}`).join(" or ");
  throw new QuestionError(
    `the ends have no addresses of one family (${names}): write the addresses that you mean`,
  );
}

function sidesOf(from: PacketEnd, to: PacketEnd, service: Service): readonly PacketSide[] {
  const egress: Question = { ...service, local: from.address, remote: to.address };
  const ingress: Question = { ...service, local: to.address, remote: from.address };
  return [
    ...(from.interface === null
      ? []
      : [{ interface: from.interface, direction: "egress" as const, question: egress }]),
    ...(to.interface === null
      ? []
      : [{ interface: to.interface, direction: "ingress" as const, question: ingress }]),
  ];
}

/**
 * Finds the packet that a question means. ICMP without a type is an echo request; a source port left out is
 * one that systems choose. Throws a QuestionError that says what to write instead.
 */
export function findPacket(model: Model, asked: PacketQuestion): PacketMeant {
  const service = readService(asked);
  const ends = findEnds(model, asked);
  if (ends.from.interface !== null && ends.from.interface === ends.to.interface) {
    throw new QuestionError(
      `from and to are both ${ends.from.interface.id}: no packet between them is judged`,
    );
  }
  const addresses = chooseAddresses(ends.from, ends.to, service.protocol);
  const from = { interface: ends.from.interface, address: addresses.from };
  const to = { interface: ends.to.interface, address: addresses.to };
  const sides = sidesOf(from, to, service);
  if (sides.length === 0) {
    throw new QuestionError("neither end is an interface of these rules: nothing here judges such a packet");
  }
  return { from, to, ...service, sides };
}
