import type { PacketVerdict } from "../kernel/status.ts";
import type { Address, Direction, Mac, Model } from "../model/model.ts";
import { macWith, QuestionError } from "../policy/ends.ts";
import { evaluate, type Verdict } from "../policy/evaluate.ts";
import { type ExplainedSide, explain } from "../policy/explain.ts";
import { Oracle } from "../policy/oracle/oracle.ts";
import { findPacket, type PacketMeant, type PacketSide } from "../policy/question.ts";
import type { Reason } from "../policy/reason.ts";
import { Failure } from "./failure.ts";
import { buildOpeningFrame } from "./opening-frame.ts";
import type { ExplainReply, KernelAnswer, Question } from "./protocol.ts";

/** Puts one frame to the kernel's programs; null where they cannot be asked about this interface. */
export type Ask = (
  interfaceId: string,
  direction: Direction,
  frame: Uint8Array,
) => Promise<PacketVerdict | null>;

/** Stands for whoever is at the far end when it is no interface: a router, say. */
const strangerMac: Mac = 0x02_52_57_00_00_01n;
const broadcastMac: Mac = 0xffff_ffff_ffffn;

/**
 * Answers `explain`: the verdict of the rules at each protected end, and what the kernel's programs say.
 * @throws Failure `refused` for a question that cannot be meant; its message says what to write instead
 */
export async function answerQuestion(
  model: Model,
  question: Question,
  ask: Ask | null,
): Promise<ExplainReply> {
  const now = Date.now() / 1000;
  try {
    const { considered = false, ...asked } = question;
    const before = judgeBefore(model, now);
    const { verdict, sides, near } = explain(model, asked, { now, considered, before });
    const kernel = ask === null ? null : await askKernel(findPacket(model, asked), sides, ask);
    return { verdict, sides, kernel, ...(near === undefined ? {} : { near }) };
  } catch (error) {
    if (error instanceof QuestionError) throw new Failure("refused", error.message, { cause: error });
    throw error;
  }
}

/** What the rules say, and nobody else. */
const rulesSay: ReadonlySet<Reason> = new Set([
  "rule",
  "inner-access",
  "default-egress",
  "no-rule",
  "default-drop",
  "observed",
]);

/** The stages before the rules, played on the frame by the oracle: explain answers for any packet. */
function judgeBefore(model: Model, now: number) {
  const here = [...model.interfaces.values()].map((own) => [own.id, { ...own, hosts: [] }] as const);
  const oracle = new Oracle({ ...model, interfaces: new Map(here) });
  return ({ interface: { id }, direction, question }: PacketSide, packet: PacketMeant): Verdict | null => {
    const { verdict, reason } = oracle.judge(id, direction, buildFrame(packet), now);
    if (!rulesSay.has(reason)) return { verdict, reason, rule: null };
    if (reason !== "observed") return null;
    // Anti-spoofing that observes lets pass under this name what the rules accept for a reason of their own.
    const byRules = evaluate(model, id, direction, question, now);
    return byRules.reason === "observed" ? null : { verdict, reason, rule: byRules.rule };
  };
}

async function askKernel(
  packet: PacketMeant,
  sides: readonly ExplainedSide[],
  ask: Ask,
): Promise<KernelAnswer | null> {
  const frame = buildFrame(packet);
  const answers = [];
  for (const side of sides) {
    const answer = await ask(side.interface, side.direction, frame);
    if (answer !== null) answers.push({ side, answer });
  }
  if (answers.length === 0) return null;
  const verdict = answers.every(({ answer }) => answer.verdict === "accept") ? "accept" : "drop";
  const agrees = answers.every(
    ({ side, answer }) => side.verdict === answer.verdict && side.reason === answer.reason,
  );
  if (agrees && answers.length === sides.length) return { verdict, agrees };
  const said = answers.map(({ side: { interface: id, direction }, answer }) => {
    return { interface: id, direction, verdict: answer.verdict, reason: answer.reason };
  });
  return { verdict, agrees, sides: said };
}

function buildFrame(packet: PacketMeant): Uint8Array {
  const { from, to, protocol, sourcePort, destinationPort, icmpType, icmpCode } = packet;
  return buildOpeningFrame({
    from: { mac: macOf(from) ?? strangerMac, address: from.address, port: sourcePort },
    to: { mac: macOf(to) ?? macTowards(to.address), address: to.address, port: destinationPort },
    protocol,
    icmpType,
    icmpCode,
  });
}

function macOf({ interface: own, address }: PacketMeant["from"]): Mac | null {
  return own === null || isGroupAddress(address) ? null : macWith(own, address);
}

function isGroupAddress({ family, bits }: Address): boolean {
  return macTowards({ family, bits }) !== strangerMac;
}

/** Multicast has MACs of its own (RFC 1112 6.4, RFC 2464 7); everything else goes to a router. */
function macTowards({ family, bits }: Address): Mac {
  if (family === 4 && bits === 0xffff_ffffn) return broadcastMac;
  if (family === 4 && bits >> 28n === 0xen) return 0x01005e000000n | (bits & 0x7fffffn);
  if (family === 6 && bits >> 120n === 0xffn) return 0x333300000000n | (bits & 0xffffffffn);
  return strangerMac;
}
