/**
 * Direct forwarding of networks that ask for it: which devices' frames go past their bridge, looked at anew whenever
 * devices change, and about once a second. What is not as it should be goes the bridge's way.
 */
import type { Interface } from "../model/model.ts";
import type { Resolved } from "../policy/types.ts";
import type { Attachments } from "./attach.ts";
import { type DirectFacts, readDirectFacts } from "./direct-facts.ts";
import {
  type Candidate,
  type DirectPort,
  indexMacs,
  type MacHolders,
  portOf,
  whyNotHere,
  whyNotPast,
  whyTags,
} from "./direct-judge.ts";
import {
  type DirectMaps,
  directState,
  emptyDirect,
  findDirect,
  readDirect,
  writeDirect,
} from "./direct-maps.ts";
import { errorText } from "./errors.ts";
import type { Finding } from "./finding.ts";
import type { LinkInfo } from "./native.ts";
import type { ForwardingStatus } from "./status.ts";
import { whyTagsHidden } from "./vlan-tags.ts";

/** What of the host's model decides. */
export interface DirectHost {
  readonly resolved: Resolved;
  /** ifindex -> interface id. */
  readonly bindings: ReadonlyMap<number, string>;
  readonly links: ReadonlyMap<number, LinkInfo>;
  /** Names of devices that are uplinks. */
  readonly uplinks: ReadonlySet<string>;
  readonly problemOf: (ifindex: number) => string | null;
}

/** At most this share of time goes into looks. */
const share = 0.01;

const stayed = () => false;

const kernelsWay: ForwardingStatus = { wanted: "kernel", now: "kernel", reason: null };

export class DirectForwarding {
  readonly #maps: DirectMaps;
  readonly #attachments: Attachments;
  readonly #readFacts: () => DirectFacts;
  #state = emptyDirect;
  #guests: readonly DirectPort[] = [];
  #senders: ReadonlyMap<number, number> = new Map();
  #host: DirectHost | null = null;
  #statuses: ReadonlyMap<string, ForwardingStatus> = new Map();
  /** When the next look is due, ms of performance.now(). */
  #due = 0;
  #left: (ifindex: number) => boolean = stayed;

  constructor(maps: DirectMaps, attachments: Attachments, readFacts = readDirectFacts) {
    this.#maps = maps;
    this.#attachments = attachments;
    this.#readFacts = readFacts;
  }

  /** Takes over what an earlier agent left: it goes on until a model is in force. */
  adopt(): void {
    this.#state = readDirect(this.#maps);
  }

  statusOf(interfaceId: string): ForwardingStatus {
    return this.#statuses.get(interfaceId) ?? kernelsWay;
  }

  /** Follows the model in force and the devices of now. `told`: those that may have been gone meanwhile; null: all. */
  follow(host: DirectHost, told: ReadonlySet<number> | null): void {
    this.#host = host;
    this.#left = told === null ? () => true : (ifindex) => told.has(ifindex);
    this.#look();
    this.#left = stayed;
  }

  /** A look without a change, not more often than it may cost. */
  look(): void {
    if (this.#host !== null && performance.now() >= this.#due) this.#look();
  }

  /** Nothing goes straight to, or from, this device any more. Before its programs go. */
  withdraw(ifindex: number): void {
    const guests = this.#guests.filter((port) => port.ifindex !== ifindex);
    const senders = new Map([...this.#senders].filter(([sender]) => sender !== ifindex));
    this.#write(guests, senders);
  }

  withdrawAll(): void {
    this.#host = null;
    this.#write([], new Map());
  }

  /** Places of the maps that something else changed. */
  find(): readonly Finding[] {
    return [...findDirect(this.#maps, this.#state)];
  }

  #write(guests: readonly DirectPort[], senders: ReadonlyMap<number, number>): void {
    const wanted = directState(guests, senders);
    writeDirect(this.#maps, this.#state, wanted, this.#left);
    this.#state = wanted;
    this.#guests = guests;
    this.#senders = senders;
  }

  #look(): void {
    const begin = performance.now();
    const host = this.#host;
    if (host === null) return;
    const candidates = listCandidates(host);
    try {
      if (candidates.length === 0) this.#clear();
      else this.#judgeAll(host, candidates);
    } catch (error) {
      this.#giveUp(candidates, error);
    }
    // Where nothing is to go directly, only another model or device can change that, and `follow` tells of those.
    this.#due = candidates.length === 0 ? Infinity : performance.now() + (performance.now() - begin) / share;
  }

  #clear(): void {
    this.#statuses = new Map();
    this.#write([], new Map());
  }

  /** What cannot be known, or written, goes the bridge's way until the next look. */
  #giveUp(candidates: readonly Candidate[], error: unknown): void {
    const reason = `it could not be set up: ${errorText(error)}`;
    this.#statuses = new Map(
      candidates.map((one) => [one.interface.id, { wanted: "direct", now: "kernel", reason }]),
    );
    try {
      // Whatever was written meanwhile.
      this.#state = readDirect(this.#maps);
      this.#write([], new Map());
    } catch (second) {
      this.#statuses = new Map(
        [...this.#statuses].map(([id, status]) => [
          id,
          { ...status, reason: `${reason}; what was set before may go on: ${errorText(second)}` },
        ]),
      );
    }
  }

  #judgeAll(host: DirectHost, candidates: readonly Candidate[]): void {
    const facts = this.#readFacts();
    const macs = indexMacs(host.resolved, new Set([...host.links.values()].map(({ mac }) => mac)));
    const judged = candidates.map((one) => ({ one, why: this.#whyNot(one, host, facts, macs) }));
    const guests = judged.flatMap(({ one, why }) => (why === null ? (portOf(one, facts) ?? []) : []));
    const bridges = new Set(guests.map(({ bridge }) => bridge));
    const senders = new Map(guests.map(({ ifindex, bridge }) => [ifindex, bridge]));
    for (const [ifindex, bridge] of this.#findUplinks(host, facts, bridges)) senders.set(ifindex, bridge);
    this.#write(guests, senders);
    this.#statuses = new Map(judged.map(({ one, why }) => [one.interface.id, this.#describe(one, why)]));
  }

  #whyNot(candidate: Candidate, host: DirectHost, facts: DirectFacts, macs: MacHolders): string | null {
    if (candidate.problem !== null) return candidate.problem;
    return (
      whyNotHere(candidate.interface, macs) ??
      whyNotPast(candidate, facts, this.#attachments.programIds, (ifindex) => nameOf(host, ifindex)) ??
      whyTags(candidate.interface)
    );
  }

  /** Uplinks that are ports of these bridges, have their program in the driver, and show it whole frames. */
  *#findUplinks(
    host: DirectHost,
    facts: DirectFacts,
    bridges: ReadonlySet<number>,
  ): Generator<readonly [number, number]> {
    for (const link of host.links.values()) {
      const { ifindex, name } = link;
      const bridge = facts.ports.get(ifindex)?.master ?? 0;
      if (!host.uplinks.has(name) || !bridges.has(bridge)) continue;
      if (this.#attachments.uplinkMode(ifindex) !== "native") continue;
      if (whyTagsHidden(link, host.links.values()) !== null) continue;
      const port = { ifindex, device: name };
      if (whyNotPast(port, facts, this.#attachments.programIds, (index) => nameOf(host, index)) === null)
        yield [ifindex, bridge];
    }
  }

  #describe({ ifindex, interface: { id } }: Candidate, why: string | null): ForwardingStatus {
    if (why !== null) return { wanted: "direct", now: "kernel", reason: why };
    const port = this.#guests.find((guest) => guest.ifindex === ifindex);
    if (port === undefined) return { wanted: "direct", now: "kernel", reason: `${id} has no device` };
    return port.needsSkb === null
      ? { wanted: "direct", now: "xdp", reason: null }
      : { wanted: "direct", now: "tc", reason: port.needsSkb };
  }
}

function nameOf({ links }: DirectHost, ifindex: number): string {
  return links.get(ifindex)?.name ?? `device ${ifindex}`;
}

/** Interfaces whose network asks for it, and that have a device here. */
function listCandidates({ resolved, bindings, links, problemOf }: DirectHost): readonly Candidate[] {
  const devices = new Map([...bindings].map(([ifindex, id]) => [id, ifindex]));
  const asked = (own: Interface) => resolved.model.networks.get(own.network)?.forwarding === "direct";
  return resolved.interfaces.flatMap(({ interface: own }) => {
    const ifindex = devices.get(own.id);
    const link = ifindex === undefined ? undefined : links.get(ifindex);
    if (ifindex === undefined || link === undefined || !asked(own)) return [];
    return [{ ifindex, device: link.name, interface: own, problem: problemOf(ifindex) }];
  });
}
