/** From what the kernel layer reports to what clients are told: numbers become names. */
import type { Session as KernelSession, KernelStatus, PacketEvent, Verification } from "../kernel/status.ts";
import { formatAddress } from "../model/cidr.ts";
import type { Direction } from "../model/model.ts";
import { protocolNumbers } from "../model/protocol.ts";
import type { RuleName } from "../policy/evaluate.ts";
import { nameOrdered } from "../policy/name-ordered.ts";
import type { Resolved } from "../policy/types.ts";
import type { InForce } from "./apply.ts";
import type { WaitingChange } from "./confirmations.ts";
import type { EventLine, InterfaceStatus, ProofStatus, Session, StatusReply } from "./protocol.ts";

const TCP = 6;
const UDP = 17;
const ICMP_NUMBERS: ReadonlySet<number> = new Set([1, 58]);
/** Letters of the TCP flags from the lowest bit up, as tcpdump and the tests write them. */
const TCP_FLAGS = "FSRPAUEC";

/** Interfaces with what the rules say of them; one that is only in the kernel yet has no names. */
export function describeInterfaces(status: KernelStatus, inForce: InForce | null): InterfaceStatus[] {
  return status.interfaces.map((one) => {
    const written = inForce?.model.interfaces.get(one.interface);
    return {
      id: one.interface,
      instance: written?.instance ?? "",
      network: written?.network ?? "",
      groups: [...(written?.groups ?? [])],
      device: one.device,
      ifindex: one.ifindex === 0 ? null : one.ifindex,
      state: one.state,
      mode: one.mode,
      programs: { ...one.programs },
      policy: { version: one.version, generation: one.generation },
      proven: one.proven,
      sessions: one.tables.map((table) => ({ ...table })),
      forwarding: { ...one.forwarding },
      problem: one.problem,
    };
  });
}

/** How much of what is in force is proven, and what verifications found. */
export function describeProof({ interfaces, proof }: KernelStatus): ProofStatus {
  const describe = (verification: Verification | null) => {
    if (verification === null) return null;
    const { time, duration_ms, policies, differences, problem } = verification;
    const copied = differences.map((one) => ({ ...one, interfaces: [...one.interfaces] }));
    return { time, seconds: duration_ms / 1000, policies, differences: copied, problem };
  };
  return {
    interfaces: interfaces.filter(({ proven }) => proven !== null).length,
    of: interfaces.length,
    verified: describe(proof.last),
    differed: describe(proof.lastDiffering),
  };
}

const policies = new WeakMap<Resolved, ReadonlyMap<string, bigint>>();

/** The policy of each interface: asked for every session of a list, so it is made once for a model. */
function policiesOf(resolved: Resolved): ReadonlyMap<string, bigint> {
  const known = policies.get(resolved);
  if (known !== undefined) return known;
  const made = new Map(resolved.interfaces.map(({ interface: { id }, policy }) => [id, policy]));
  policies.set(resolved, made);
  return made;
}

/** The rule of a number on one side of an interface's policy, or null where there is none by now. */
export function findRule(
  inForce: InForce | null,
  interfaceId: string,
  direction: Direction,
  number: number | null,
): RuleName | null {
  if (number === null || inForce === null) return null;
  const policy = policiesOf(inForce.resolved).get(interfaceId);
  const source = policy === undefined ? undefined : inForce.resolved.policies.get(policy);
  return nameOrdered(inForce.model, source?.sides[direction].rules[number]);
}

export function describeSession(session: KernelSession, inForce: InForce | null): Session {
  const isIcmp = ICMP_NUMBERS.has(session.protocol);
  const hasPorts = session.protocol === TCP || session.protocol === UDP;
  return {
    interface: session.interface,
    protocol: nameProtocol(session.protocol),
    local: formatAddress(session.local),
    localPort: hasPorts || isIcmp ? session.localPort : null,
    remote: formatAddress(session.remote),
    remotePort: hasPorts || isIcmp ? session.remotePort : null,
    origin: session.origin,
    state: session.state,
    revoked: session.revoked,
    ageSeconds: session.age_seconds,
    idleSeconds: session.idle_seconds,
    expiresSeconds: session.expires_seconds,
    packets: session.packets,
    bytes: Number(session.bytes),
    reason: session.reason,
    rule: findRule(inForce, session.interface, session.origin, session.rule),
  };
}

/** `now`: the same moment on both clocks; the kernel's events carry the monotonic one. */
export function describeEvent(
  event: PacketEvent,
  inForce: InForce | null,
  current: { readonly version: number | undefined; readonly now: { monotonic: bigint; wall: number } },
): EventLine {
  const isIp = event.source !== null;
  const isIcmp = isIp && ICMP_NUMBERS.has(event.protocol);
  const hasPorts = isIp && (event.protocol === TCP || event.protocol === UDP);
  // A number means a rule only under the policy that judged; meanwhile another may be in force.
  const rule = event.version === current.version ? event.rule : null;
  const age = Number(current.now.monotonic - event.time) / 1e6;
  return {
    time: new Date(current.now.wall - age).toISOString(),
    interface: event.interface,
    direction: event.direction,
    verdict: event.verdict,
    reason: event.reason,
    rule: event.interface === null ? null : findRule(inForce, event.interface, event.direction, rule),
    protocol: isIp ? nameProtocol(event.protocol) : nameEtherType(event.etherType),
    source: event.source === null ? null : formatAddress(event.source),
    sourcePort: hasPorts ? event.sourcePort : null,
    destination: event.destination === null ? null : formatAddress(event.destination),
    destinationPort: hasPorts ? event.destinationPort : null,
    icmpType: isIcmp ? event.icmpType : null,
    icmpCode: isIcmp ? event.icmpCode : null,
    tcpFlags: isIp && event.protocol === TCP ? nameFlags(event.tcpFlags) : null,
    sourceMac: event.sourceMac,
    destinationMac: event.destinationMac,
    bytes: event.length,
    hook: event.hook,
  };
}

/** The word that a rule would use, or the number. */
export function nameProtocol(number: number): string {
  return Object.entries(protocolNumbers).find(([, known]) => known === number)?.[0] ?? String(number);
}

function nameEtherType(etherType: number): string {
  if (etherType === 0x0806) return "arp";
  if (etherType === 0x8035) return "rarp";
  return `0x${etherType.toString(16).padStart(4, "0")}`;
}

function nameFlags(flags: number): string {
  return [...TCP_FLAGS].filter((_letter, bit) => (flags & (1 << bit)) !== 0).join("");
}

/** A change that waits, and until when by the wall clock. */
export function describeWaiting(waiting: WaitingChange | null): StatusReply["policy"]["waiting"] {
  if (waiting === null) return null;
  const { revision, since, remaining_seconds: remainingSeconds } = waiting;
  const until = new Date(Date.now() + remainingSeconds * 1000).toISOString();
  return { revision, since, until, remainingSeconds };
}

/** What is wrong with what keeps the host protected while no agent runs, and with devices that lag behind the rules. */
export function listGuarded({ guard }: KernelStatus): string[] {
  if (guard === undefined) return [];
  const { problem, restored, detached, replaced } = guard;
  const times = restored === 1 ? "once" : `${restored} times`;
  const were = (count: number) => (count === 1 ? "a program was" : `${count} programs were`);
  const other = `${were(replaced)} replaced on devices by another one since the agent began, and packets passed as that one let them for up to a second each time: find out who does that`;
  const open = `${were(detached)} taken off devices since the agent began, and packets passed unjudged for up to a second each time: find out who does that`;
  const taken = `pins in the bpffs were taken away ${times} since the agent began, and made again: find out who does that`;
  return [
    ...(problem === null ? [] : [problem]),
    ...(restored === 0 ? [] : [taken]),
    ...(detached === 0 ? [] : [open]),
    ...(replaced === 0 ? [] : [other]),
  ];
}
