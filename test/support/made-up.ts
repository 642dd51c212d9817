/** Records of the kernel that no kernel made: each whole, and alike but for what a test names. */
import type { PacketEvent, Session } from "../../src/kernel/status.ts";

/** A connection from 192.0.2.1 to port 80 of eni-web-1 (10.0.0.11), which rule 1 of its ingress let in. */
export function makeSession(fields: Partial<Session> = {}): Session {
  return {
    interface: "eni-web-1",
    table: "established",
    local: { family: 4, bits: 0x0a00000bn },
    remote: { family: 4, bits: 0xc0000201n },
    protocol: 6,
    localPort: 80,
    remotePort: 50000,
    icmpType: 0,
    icmpCode: 0,
    origin: "ingress",
    state: "tcp-established",
    revoked: false,
    ended: false,
    age_seconds: 125,
    idle_seconds: 1.2,
    expires_seconds: 909,
    packets: 1234,
    bytes: 20_000_000n,
    rule: 1,
    reason: "rule",
    ...fields,
  };
}

/** A SYN from 198.51.100.7 to port 22 of eni-web-1, which rule 0 of its ingress dropped. */
export function makeEvent(fields: Partial<PacketEvent> = {}): PacketEvent {
  return {
    time: 0n,
    interface: "eni-web-1",
    direction: "ingress",
    verdict: "drop",
    reason: "rule",
    hook: "tc-egress",
    rule: 0,
    version: 1,
    length: 60,
    sourceMac: "02:00:00:00:00:01",
    destinationMac: "02:00:00:00:01:01",
    etherType: 0x0800,
    protocol: 6,
    tcpFlags: 2,
    source: { family: 4, bits: 0xc6336407n },
    destination: { family: 4, bits: 0x0a00000bn },
    sourcePort: 1234,
    destinationPort: 22,
    icmpType: 0,
    icmpCode: 0,
    ...fields,
  };
}
