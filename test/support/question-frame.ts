/**
 * The frame that asks a question of the rules, written byte by byte: made by the million, where stacking layers
 * (packet.ts) would cost more than judging. Checksums are zero: no program reads them.
 */
import type { Address, Interface } from "../../src/model/model.ts";
import { gatewayMac, mac } from "./bed.ts";
import type { WorldQuestion } from "./world-questions.ts";

/** What stands around a packet without changing what the rules are asked. */
export const dressings = ["plain", "vlan-0", "options"] as const;
export type Dressing = (typeof dressings)[number];

const farMac = mac(gatewayMac);
const opening = 0x02;

function writeMac(view: DataView, offset: number, value: bigint): void {
  view.setUint16(offset, Number(value >> 32n));
  view.setUint32(offset + 2, Number(value & 0xffffffffn));
}

function writeAddress(view: DataView, offset: number, { family, bits }: Address): void {
  if (family === 4) {
    view.setUint32(offset, Number(bits));
    return;
  }
  view.setBigUint64(offset, bits >> 64n);
  view.setBigUint64(offset + 8, BigInt.asUintN(64, bits));
}

/** 20 bytes for everything but UDP, enough for each kind of ICMP message. */
function transportLength({ protocol }: WorldQuestion): number {
  return protocol === 17 ? 8 : 20;
}

function writeTransport(view: DataView, offset: number, question: WorldQuestion): void {
  const { protocol, sourcePort, destinationPort, icmpType, icmpCode } = question;
  if (icmpType !== null && icmpCode !== null) {
    view.setUint8(offset, icmpType);
    view.setUint8(offset + 1, icmpCode);
  }
  if (sourcePort === null || destinationPort === null) return;
  view.setUint16(offset, sourcePort);
  view.setUint16(offset + 2, destinationPort);
  if (protocol === 17) {
    view.setUint16(offset + 4, 8);
    return;
  }
  view.setUint8(offset + 12, 5 << 4);
  view.setUint8(offset + 13, opening);
}

/** Eight bytes of no-operation options. Returns where the transport header begins. */
function writeIpv4(view: DataView, at: number, question: WorldQuestion, dressed: boolean): number {
  const header = dressed ? 28 : 20;
  view.setUint8(at, (4 << 4) | (header >> 2));
  view.setUint16(at + 2, header + transportLength(question));
  view.setUint8(at + 8, 64);
  view.setUint8(at + 9, question.protocol);
  if (dressed) view.setBigUint64(at + 20, 0x0101010101010101n);
  return at + header;
}

/** Eight bytes of destination options, padded by PadN. */
function writeIpv6(view: DataView, at: number, question: WorldQuestion, dressed: boolean): number {
  const options = 60;
  view.setUint8(at, 6 << 4);
  view.setUint16(at + 4, (dressed ? 8 : 0) + transportLength(question));
  view.setUint8(at + 6, dressed ? options : question.protocol);
  view.setUint8(at + 7, 64);
  if (!dressed) return at + 40;
  view.setUint8(at + 40, question.protocol);
  view.setUint8(at + 42, 1);
  view.setUint8(at + 43, 4);
  return at + 48;
}

/** An Ethernet frame from or to the interface. */
export function questionFrame(own: Interface, question: WorldQuestion, dressing: Dressing): Uint8Array {
  const { direction, remote, local } = question;
  const four = remote.family === 4;
  const dressed = dressing === "options";
  const ip = dressing === "vlan-0" ? 18 : 14;
  const network = (four ? 20 : 40) + (dressed ? 8 : 0);
  const view = new DataView(new ArrayBuffer(ip + network + transportLength(question)));
  const out = direction === "egress";
  writeMac(view, 0, out ? farMac : own.mac);
  writeMac(view, 6, out ? own.mac : farMac);
  if (dressing === "vlan-0") view.setUint32(12, 0x81000000);
  view.setUint16(ip - 2, four ? 0x0800 : 0x86dd);
  writeAddress(view, ip + (four ? 12 : 8), out ? local : remote);
  writeAddress(view, ip + (four ? 16 : 24), out ? remote : local);
  const transport = (four ? writeIpv4 : writeIpv6)(view, ip, question, dressed);
  writeTransport(view, transport, question);
  return new Uint8Array(view.buffer);
}
