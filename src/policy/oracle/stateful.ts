/** From the session on: established, related, midstream and rules, at one interface. */
import type { Direction, Model } from "../../model/model.ts";
import { evaluate, type Verdict } from "../evaluate.ts";
import type { Ip } from "../packet.ts";
import type { Question } from "../rules.ts";
import { sameAddress } from "./address.ts";
import { accept, drop, type Judgement, withSession } from "./judgement.ts";
import { isError, readQuoted } from "./quoted.ts";
import {
  isAlive,
  mirror,
  openState,
  otherDirection,
  questionOf,
  quotedKey,
  type Session,
  sessionKey,
} from "./session.ts";
import type { OracleSettings } from "./settings.ts";
import { followTcp, hasFlag, isSyn } from "./tcp.ts";

/** One packet at one interface. */
export interface Occasion {
  readonly model: Model;
  readonly interfaceId: string;
  readonly direction: Direction;
  readonly ip: Ip;
  /** Seconds of UTC. */
  readonly now: number;
}

function judgeRules(occasion: Occasion, direction: Direction, question: Question): Verdict {
  return evaluate(occasion.model, occasion.interfaceId, direction, question, occasion.now);
}

function isSynOf(ip: Ip): boolean {
  return ip.transport.kind === "tcp" && isSyn(ip.transport);
}

export class SessionTable {
  readonly #settings: OracleSettings;
  readonly #sessions = new Map<string, Session>();

  constructor(settings: OracleSettings) {
    this.#settings = settings;
  }

  /** The living sessions; revoked ones are among them. */
  list(now: number): readonly Session[] {
    return [...this.#sessions.values()].filter((session) => isAlive(session, this.#settings.timeouts, now));
  }

  /** An operator ends all of them: revoked, whatever the rules say later. */
  end(now: number): void {
    for (const session of this.list(now)) Object.assign(session, { revoked: now, ended: true });
  }

  judge(occasion: Occasion): Judgement {
    return (
      this.#judgeSession(occasion) ??
      this.#judgeRelated(occasion) ??
      this.#judgeMidstream(occasion) ??
      this.#judgeNew(occasion)
    );
  }

  #find(key: string | null, now: number): Session | null {
    const session = key === null ? undefined : this.#sessions.get(key);
    return session !== undefined && isAlive(session, this.#settings.timeouts, now) ? session : null;
  }

  /** What the rules of today say to the packet that the session began with. */
  #judgeAgain(occasion: Occasion, session: Session): Verdict | null {
    if (this.#settings.establishedSessions === "keep") return null;
    return judgeRules(occasion, session.origin, session.question);
  }

  #judgeSession(occasion: Occasion): Judgement | null {
    const { ip, direction, now } = occasion;
    const session = this.#find(sessionKey(ip, direction), now);
    if (session === null) return null;
    const { state } = session;
    const renews = state.kind === "tcp" && state.tcp.phase === "closing" && isSynOf(ip);
    if (renews && session.revoked === null) return this.#judgeNew(occasion);
    if (session.ended) return this.#judgeRevoked(occasion);
    const again = this.#judgeAgain(occasion, session);
    if (again?.verdict === "drop") return this.#judgeRefused(occasion, session, again);
    if (session.revoked !== null) {
      session.revoked = null;
      session.seen = now;
    }
    if (renews) return this.#judgeNew(occasion);
    if (this.#follow(session, occasion)) session.seen = now;
    return accept("session", "established");
  }

  /** The first refused packet has the rules' reason. */
  #judgeRefused(occasion: Occasion, session: Session, again: Verdict): Judgement {
    if (session.revoked === null) {
      session.revoked = occasion.now;
      return drop(again.reason, again.rule);
    }
    return this.#judgeRevoked(occasion);
  }

  /** Of what is revoked only a SYN passes that its own direction's rules accept. */
  #judgeRevoked(occasion: Occasion): Judgement {
    if (isSynOf(occasion.ip)) {
      const renewed = this.#judgeNew(occasion);
      if (renewed.verdict === "accept") return renewed;
    }
    return drop("revoked");
  }

  /** Changes the session's state by its packet; true where the packet keeps it alive. */
  #follow(session: Session, { ip, direction }: Occasion): boolean {
    const { state } = session;
    if (state.kind === "tcp" && ip.transport.kind === "tcp") {
      return followTcp(state.tcp, direction, ip.transport) === "refreshes";
    }
    if (state.kind === "udp" && direction !== session.origin) state.replied = true;
    return true;
  }

  /** An error belongs to the session of the packet that it quotes, and changes nothing. */
  #judgeRelated(occasion: Occasion): Judgement | null {
    const { ip, direction, now } = occasion;
    if (ip.transport.kind !== "icmp" || !isError(ip.family, ip.transport.type)) return null;
    const quoted = readQuoted(ip.family, ip.transport.body);
    if (quoted === null || !sameAddress(quoted.source, ip.destination)) return null;
    const session = this.#find(quotedKey(quoted, direction), now);
    if (session === null || session.ended) return null;
    if (this.#judgeAgain(occasion, session)?.verdict === "drop") return null;
    return accept("related", "related");
  }

  #judgeMidstream(occasion: Occasion): Judgement | null {
    const { ip, direction } = occasion;
    if (ip.transport.kind !== "tcp" || isSyn(ip.transport)) return null;
    if (this.#settings.midstream === "drop") return drop("midstream");
    const opens = !hasFlag(ip.transport, "syn") && !hasFlag(ip.transport, "rst");
    if (direction === "egress") {
      const asked = otherDirection(direction);
      const question = mirror(questionOf(ip, direction));
      const answer = judgeRules(occasion, asked, question);
      if (answer.verdict === "accept") {
        return withSession(answer, opens ? this.#open(occasion, asked, question) : "none");
      }
    }
    return this.#judgeNew(occasion, opens);
  }

  #judgeNew(occasion: Occasion, opens = true): Judgement {
    const { ip, direction } = occasion;
    const question = questionOf(ip, direction);
    const verdict = judgeRules(occasion, direction, question);
    if (verdict.verdict === "drop" || !opens) return withSession(verdict, "none");
    return withSession(verdict, this.#open(occasion, direction, question));
  }

  #open({ ip, direction, now }: Occasion, origin: Direction, question: Question): "new" | "none" {
    const key = sessionKey(ip, direction);
    const state = openState(ip, direction);
    if (key === null || state === null) return "none";
    this.#sessions.set(key, { key, origin, question, state, seen: now, revoked: null, ended: false });
    return "new";
  }
}
