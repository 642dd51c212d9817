/**
 * The oracle of the whole verdict: docs/semantics.md, "The order of a verdict", with sessions, in plain
 * TypeScript. Tables have no bounds here, so it never says `table-full`.
 */
import type { Direction, Interface, Model } from "../../model/model.ts";
import { type Ip, type Packet, readPacket } from "../packet.ts";
import { findAlways } from "./always.ts";
import { DhcpMemory } from "./dhcp.ts";
import { FragmentMemory } from "./fragments.ts";
import { accept, drop, type Judgement } from "./judgement.ts";
import { isOwnMac } from "./own.ts";
import { Rates } from "./rate.ts";
import type { Session } from "./session.ts";
import { defaultOracleSettings, type OracleSettings } from "./settings.ts";
import { findMisdeed } from "./spoof.ts";
import { SessionTable } from "./stateful.ts";

/** What the oracle remembers of one interface. */
interface Memory {
  /** Of another network, where addresses are others', nothing is remembered. */
  readonly network: string;
  readonly sessions: SessionTable;
  readonly fragments: FragmentMemory;
  readonly rates: Rates;
  readonly dhcp: DhcpMemory;
  ready: boolean;
}

interface Moment {
  readonly own: Interface;
  readonly memory: Memory;
  readonly direction: Direction;
  readonly packet: Packet;
  readonly now: number;
}

export class Oracle {
  #model: Model;
  readonly #settings: OracleSettings;
  readonly #memories = new Map<string, Memory>();
  readonly #known = new Set<string>();

  /** `settings` left out are the agent's defaults; `host` "" judges interfaces that name no host. */
  constructor(model: Model, settings: Partial<OracleSettings> = {}) {
    this.#model = model;
    this.#settings = { ...defaultOracleSettings, ...settings };
    this.change(model);
  }

  /** Rules, members and interfaces as they are from now on. What leaves is forgotten, its device drops all. */
  change(model: Model): void {
    this.#model = model;
    for (const own of model.interfaces.values()) {
      if (this.#isHere(own)) this.#known.add(own.id);
    }
    for (const [id, memory] of this.#memories) {
      if (this.#find(id)?.network !== memory.network) this.#memories.delete(id);
    }
  }

  /** Until its policy is ready, only what always works passes. Interfaces are ready unless said otherwise. */
  setReady(interfaceId: string, ready: boolean): void {
    this.#remember(interfaceId).ready = ready;
  }

  /** The living sessions of an interface, at `time` in seconds. */
  sessions(interfaceId: string, time: number): readonly Session[] {
    return this.#remember(interfaceId).sessions.list(time);
  }

  /** An operator ends every session of an interface, at `time` in seconds. */
  end(interfaceId: string, time: number): void {
    this.#remember(interfaceId).sessions.end(time);
  }

  /**
   * What becomes of a frame at an interface. `time` is seconds of UTC since 1970 and never goes back.
   * Throws a RangeError for an interface that no model of this oracle had on its host.
   */
  judge(interfaceId: string, direction: Direction, frame: Uint8Array, time: number): Judgement {
    if (!this.#known.has(interfaceId)) {
      throw new RangeError(`interface "${interfaceId}" was never on host "${this.#settings.host}"`);
    }
    const own = this.#find(interfaceId);
    if (own === null) return drop("not-ready");
    const packet = readPacket(frame);
    if (typeof packet === "string") return drop(packet);
    if (!isSupported(own, direction, packet)) return drop("unsupported");
    const memory = this.#remember(interfaceId);
    return this.#judgeChecked({ own, memory, direction, packet, now: time });
  }

  #isHere(own: Interface): boolean {
    return own.hosts.length === 0 || own.hosts.includes(this.#settings.host);
  }

  #find(id: string): Interface | null {
    const own = this.#model.interfaces.get(id);
    return own !== undefined && this.#isHere(own) ? own : null;
  }

  #remember(id: string): Memory {
    const memory = this.#memories.get(id) ?? {
      network: this.#find(id)?.network ?? "",
      sessions: new SessionTable(this.#settings),
      fragments: new FragmentMemory(),
      rates: new Rates(this.#settings.alwaysPerSecond),
      dhcp: new DhcpMemory(),
      ready: true,
    };
    this.#memories.set(id, memory);
    return memory;
  }

  /** Where anti-spoofing only observes, what it would refuse is judged on, and passes as `observed`. */
  #judgeChecked(moment: Moment): Judgement {
    const { own, direction, packet } = moment;
    const misdeed = own.antiSpoofing === false ? null : findMisdeed(this.#model, own, direction, packet);
    if (misdeed === null) return this.#judgeOn(moment);
    if (own.antiSpoofing === true) return drop(misdeed);
    const judgement = this.#judgeOn(moment);
    return judgement.verdict === "accept" ? { ...judgement, reason: "observed" } : judgement;
  }

  #judgeOn(moment: Moment): Judgement {
    const { memory, direction, packet, now } = moment;
    const judgement = this.#judgeAlways(moment) ?? this.#judgeReady(moment);
    if (packet.body.kind === "ip") memory.fragments.remember(packet.body, direction, judgement, now);
    return judgement;
  }

  #judgeAlways({ own, memory, direction, packet, now }: Moment): Judgement | null {
    const always = findAlways(own, memory.dhcp, direction, packet);
    if (always === null) return null;
    if ("refused" in always) return drop(always.refused);
    if (direction === "egress" && !memory.rates.admit(always.kind, now)) return drop("rate-limit");
    if (always.kind === "dhcp" && packet.body.kind === "ip")
      noteDhcp(memory.dhcp, direction, packet.body, now);
    return accept(always.kind);
  }

  #judgeReady(moment: Moment): Judgement {
    const { own, memory, direction, packet, now } = moment;
    if (!memory.ready) {
      return this.#settings.onFailure === "open" ? accept("not-ready") : drop("not-ready");
    }
    const { body } = packet;
    if (body.kind !== "ip") return accept("ether-type");
    const fragment = memory.fragments.judge(body, direction, now);
    if (fragment !== null) return fragment;
    return memory.sessions.judge({ model: this.#model, interfaceId: own.id, direction, ip: body, now });
  }
}

function noteDhcp(memory: DhcpMemory, direction: Direction, ip: Ip, now: number): void {
  if (direction === "egress") memory.ask(now);
  else memory.answer(ip.source, now);
}

/** Tags and types that the interface lists; RARP counts as ARP where it is the guest's own. */
function isSupported(own: Interface, direction: Direction, packet: Packet): boolean {
  if (!packet.vlans.every((id) => own.vlans.includes(id))) return false;
  const { body } = packet;
  if (body.kind === "other") return own.etherTypes.includes(packet.etherType);
  if (body.kind !== "arp" || !body.reverse) return true;
  if (own.etherTypes.includes(packet.etherType)) return true;
  if (direction === "ingress") return isOwnMac(own, body.targetMac);
  return isOwnMac(own, packet.sourceMac) && isOwnMac(own, body.senderMac);
}
