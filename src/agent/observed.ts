/**
 * Gathers what passes only because groups observe. The ring buffer is read while something observes; what it could
 * not carry is known from the counters. Hits are written to the state directory once a minute and at the end.
 */
import type { Enforcer } from "../kernel/enforcer.ts";
import type { Model } from "../model/model.ts";
import type { InForce } from "./apply.ts";
import { defaultWindow, longestWindow } from "./bounds.ts";
import type { Checked } from "./check.ts";
import { subscribeToEvents } from "./events.ts";
import { Failure } from "./failure.ts";
import type { Log } from "./log.ts";
import type { ObservedFile } from "./observed-file.ts";
import { findOrigin, isStillObserved } from "./observed-judge.ts";
import type { JudgedHit, ObservedReply, Promotion } from "./observed-reply.ts";
import { type ObservedEvent, ObservedTable } from "./observed-table.ts";
import {
  describeObjections,
  findObjections,
  findPromoted,
  type Objections,
  refusePromotion,
} from "./promotion.ts";
import type { ReplyOf, RequestOf, StreamLine } from "./protocol.ts";
import { runInSlices } from "./slices.ts";

export interface ObservedOptions {
  readonly enforcer: Pick<Enforcer, "onEvent" | "status" | "counters">;
  readonly inForce: () => InForce | null;
  readonly file: ObservedFile;
  readonly log: Log;
}

/** Hits are written, and counters compared, this often, ms. */
const saveInterval = 60_000;

function observesAnything(model: Model): boolean {
  return (
    [...model.groups.values()].some(({ mode }) => mode === "observe") ||
    [...model.interfaces.values()].some(({ antiSpoofing }) => antiSpoofing === "observe")
  );
}

export class Observed {
  readonly #options: ObservedOptions;
  readonly #table = new ObservedTable();
  /** Groups that observe, and since when. */
  readonly #groups = new Map<string, string>();
  #stopListening: (() => void) | null = null;

  constructor(options: ObservedOptions) {
    this.#options = options;
  }

  /** Goes on with what an earlier agent saw. Returns the function that ends it. */
  async start(): Promise<() => Promise<void>> {
    const saved = await this.#options.file.read();
    if (saved !== null) {
      this.#table.load(saved);
      for (const [group, since] of saved.groups) this.#groups.set(group, since);
    }
    this.#follow();
    const timer = setInterval(() => void this.#save(), saveInterval);
    timer.unref();
    return async () => {
      clearInterval(timer);
      this.#stopListening?.();
      await this.#save();
    };
  }

  /** Rules came into force. What they promoted although there are hits is logged, whoever wanted it. */
  follow(before: InForce | null, after: InForce): void {
    this.#follow();
    if (before === null || findPromoted(before.model, after.model).length === 0) return;
    const { log } = this.#options;
    this.#object(before.model, after.model, defaultWindow).then(
      (objections) => {
        for (const message of describeObjections(objections)) log.warn(`enforced from now on: ${message}`);
      },
      (error: unknown) => log.error({ err: error }, "what a promotion drops could not be found out"),
    );
  }

  #follow(): void {
    const model = this.#options.inForce()?.model;
    if (model === undefined) return;
    const now = new Date().toISOString();
    for (const { id, mode } of model.groups.values())
      if (mode === "observe" && !this.#groups.has(id)) this.#groups.set(id, now);
    for (const id of this.#groups.keys())
      if (model.groups.get(id)?.mode !== "observe") this.#groups.delete(id);
    if (!observesAnything(model)) {
      this.#stopListening?.();
      this.#stopListening = null;
    } else if (this.#stopListening === null) {
      this.#compare();
      this.#stopListening = this.#listen();
    }
  }

  #listen(): () => void {
    const { enforcer, inForce } = this.#options;
    const source = {
      status: () => enforcer.status(),
      onEvent: (listener: Parameters<Enforcer["onEvent"]>[0]) =>
        enforcer.onEvent((event) => {
          if (event.reason === "observed") listener(event);
        }),
    };
    return subscribeToEvents({ enforcer: source, inForce }, {}, (line) => this.#take(line));
  }

  #take(line: StreamLine): void {
    const model = this.#options.inForce()?.model;
    if (model === undefined || "lost" in line || line.interface === null) return;
    const event: ObservedEvent = { ...line, interface: line.interface };
    this.#table.add(event, (packet) => findOrigin(model, packet, Date.parse(line.time)));
  }

  /** Interfaces' counters of observed packets, both directions. */
  #compare(): void {
    const model = this.#options.inForce()?.model;
    if (model === undefined) return;
    const packets = new Map<string, number>();
    for (const { interface: id } of this.#options.enforcer.status().interfaces) packets.set(id, 0);
    for (const { interface: id, reason, packets: more } of this.#options.enforcer.counters())
      if (reason === "observed") packets.set(id, (packets.get(id) ?? 0) + Number(more));
    this.#table.compare(packets, Date.now());
    this.#table.retain(new Set(model.interfaces.keys()));
  }

  async #save(): Promise<void> {
    const { file, log } = this.#options;
    if (this.#stopListening === null && this.#groups.size === 0) return;
    try {
      this.#compare();
      await file.write({ ...this.#table.save(), groups: [...this.#groups] });
    } catch (error) {
      log.error({ err: error }, "what groups observed could not be written to the state directory");
    }
  }

  /** @throws Failure where there is no such group */
  async answer({
    group,
    windowSeconds = longestWindow,
  }: RequestOf<"observed">): Promise<ReplyOf<"observed">> {
    const model = this.#options.inForce()?.model;
    if (model === undefined)
      throw new Failure("refused", "No rules are in force yet: the agent is starting.");
    if (group !== undefined && !model.groups.has(group))
      throw new Failure("refused", `There is no group ${group}: \`ringwall group list\` lists them.`);
    this.#compare();
    const since = Date.now() - windowSeconds * 1000;
    const isMeant = (id: string) =>
      group === undefined || (model.interfaces.get(id)?.groups.includes(group) ?? false);
    return {
      groups: this.#describeGroups(model, group),
      windowSeconds,
      hits: (await this.#judge(model, since)).filter(({ interface: id }) => isMeant(id)),
      unlisted: this.#table.unlisted(since).filter(({ interface: id }) => isMeant(id)),
    };
  }

  #describeGroups(model: Model, group: string | undefined): ObservedReply["groups"] {
    const members = [...model.interfaces.values()];
    return [...this.#groups]
      .filter(([id]) => group === undefined || id === group)
      .map(([id, since]) => ({
        group: id,
        since,
        members: members.filter(({ groups }) => groups.includes(id)).length,
      }));
  }

  #judge(model: Model, since: number): Promise<JudgedHit[]> {
    const hits = this.#table.hits(since);
    const now = Date.now();
    return runInSlices(
      (function* () {
        const judged: JudgedHit[] = [];
        for (const hit of hits) {
          judged.push({ ...hit, stands: isStillObserved(model, hit, now) });
          yield;
        }
        return judged;
      })(),
    );
  }

  #object(before: Model, after: Model, windowSeconds: number): Promise<Objections> {
    this.#compare();
    const now = Date.now();
    const since = now - windowSeconds * 1000;
    const seen = { hits: this.#table.hits(since), unlisted: this.#table.unlisted(since) };
    return runInSlices(findObjections(before, after, seen, now));
  }

  /** @throws Failure `refused` where a change enforces what was hit within the window, and is not told to */
  async approve(
    { model }: Pick<Checked, "model">,
    { windowSeconds = defaultWindow, evenSo }: Promotion,
  ): Promise<void> {
    const before = this.#options.inForce()?.model;
    if (evenSo === true || before === undefined || findPromoted(before, model).length === 0) return;
    refusePromotion(await this.#object(before, model, windowSeconds), windowSeconds);
  }
}
