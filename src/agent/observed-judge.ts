/** What rules say of packets that passed as `observed`: now, and after a change. */
import { parseAddress } from "../model/cidr.ts";
import type { Model } from "../model/model.ts";
import { protocolNumbers } from "../model/protocol.ts";
import { evaluate, type Verdict } from "../policy/evaluate.ts";
import type { Question } from "../policy/rules.ts";
import type { ObservedHit } from "./observed-reply.ts";
import type { HitOrigin } from "./observed-table.ts";

type HitPacket = Omit<ObservedHit, keyof HitOrigin | "times" | "first" | "last">;

function addressOf(text: string | null) {
  const parsed = text === null ? null : parseAddress(text);
  return parsed?.ok === true ? parsed.value : null;
}

/** What the hit's last packet asked the rules; null where it asked none (ARP and its like). */
function questionOf(hit: HitPacket): Question | null {
  const [local, remote] = [addressOf(hit.local), addressOf(hit.remote)];
  if (local === null || remote === null) return null;
  const named: Readonly<Record<string, number | null>> = protocolNumbers;
  const protocol = named[hit.protocol] ?? Number(hit.protocol);
  const { sourcePort, port: destinationPort, icmpType, icmpCode } = hit;
  return { local, remote, protocol, sourcePort, destinationPort, icmpType, icmpCode };
}

/** `now`: ms since 1970. Null where the rules are not asked, or the interface is not in the model. */
export function judgeHit(model: Model, hit: HitPacket, now: number): Verdict | null {
  const question = questionOf(hit);
  if (question === null || !model.interfaces.has(hit.interface)) return null;
  return evaluate(model, hit.interface, hit.direction, question, now / 1000);
}

/** Which rule, and which groups, a packet that passed as `observed` is owed to. */
export function findOrigin(model: Model, packet: HitPacket, now: number): HitOrigin {
  const own = model.interfaces.get(packet.interface);
  const groups = (own?.groups ?? []).filter((id) => model.groups.get(id)?.mode === "observe");
  const verdict = judgeHit(model, packet, now);
  const byRules = verdict?.reason === "observed";
  if (!byRules && own?.antiSpoofing === "observe")
    return { observer: "anti-spoofing", groups: [], rule: null };
  const rule = byRules ? verdict.rule : null;
  return {
    observer: "groups",
    groups,
    rule: rule === null ? null : { group: rule.group, index: rule.index, id: rule.id },
  };
}

/** Would the rules of this model, in which the observer may enforce by now, let the hit pass because it observes? */
export function isStillObserved(model: Model, hit: ObservedHit, now: number): boolean {
  if (hit.observer === "anti-spoofing")
    return model.interfaces.get(hit.interface)?.antiSpoofing === "observe";
  return judgeHit(model, hit, now)?.reason === "observed";
}

/** Would it be dropped under this model, because what observed it does so no longer? */
export function isDropped(model: Model, hit: ObservedHit, now: number): boolean {
  if (hit.observer === "anti-spoofing") return model.interfaces.get(hit.interface)?.antiSpoofing === true;
  return judgeHit(model, hit, now)?.verdict === "drop";
}
