/** First fragments' verdicts, for the later ones to follow. */
import type { Direction } from "../../model/model.ts";
import type { Fragment, Ip } from "../packet.ts";
import { addressText } from "./address.ts";
import { drop, type Judgement } from "./judgement.ts";

/** Seconds that a first fragment's verdict is remembered. */
const memory = 30;

type Part = Exclude<Fragment, { kind: "atomic" }>;

interface First {
  readonly judgement: Judgement;
  readonly header: number;
  readonly at: number;
}

/** Later fragments of IPv6 may name another protocol than the first, whose word alone counts (RFC 8200, 4.5). */
function keyOf(ip: Ip, part: Part, direction: Direction): string {
  const ends = `${addressText(ip.source)} ${addressText(ip.destination)}`;
  const protocol = ip.family === 4 ? part.protocol : "any";
  return `${direction} ${ends} ${protocol} ${part.identification}`;
}

const refused = drop("fragment");

export class FragmentMemory {
  readonly #firsts = new Map<string, First>();

  /** Remembers what became of a first fragment; a new one takes an old one's place. */
  remember(ip: Ip, direction: Direction, judgement: Judgement, now: number): void {
    if (ip.fragment?.kind !== "first") return;
    const { header } = ip.fragment;
    this.#firsts.set(keyOf(ip, ip.fragment, direction), { judgement, header, at: now });
  }

  /** The verdict of a fragment that is later or badly cut; null for any other packet. */
  judge(ip: Ip, direction: Direction, now: number): Judgement | null {
    if (ip.badlyCut) return refused;
    if (ip.fragment?.kind !== "later") return null;
    const first = this.#firsts.get(keyOf(ip, ip.fragment, direction));
    if (first === undefined || now - first.at >= memory) return refused;
    if (first.judgement.verdict === "drop" || ip.fragment.offset < first.header) return refused;
    const session = first.judgement.session === "new" ? "established" : first.judgement.session;
    return { ...first.judgement, session };
  }
}
