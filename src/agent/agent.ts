/** The life of the daemon: what is started in which order, what a signal does, what stays when it ends. */
import { release } from "node:os";
import type { Enforcer } from "../kernel/enforcer.ts";
import { native } from "../kernel/native.ts";
import type { KernelSettings } from "../kernel/settings.ts";
import { type ApplyResult, createMetrics, type Metrics } from "../metrics/collect.ts";
import { type MetricsServer, parseListen, startMetricsServer } from "../metrics/http.ts";
import { createHandlers, findInterface, requireInForce, requireNarrowed } from "./answers.ts";
import { Applier } from "./apply.ts";
import type { AgentConfig } from "./config.ts";
import { Confirmations } from "./confirmations.ts";
import { countRules } from "./count-rules.ts";
import { findGroup } from "./credentials.ts";
import { subscribeToEvents } from "./events.ts";
import { Failure } from "./failure.ts";
import { FirstRules } from "./first-rules.ts";
import { History } from "./history.ts";
import { acquireLock, type Lock } from "./lock.ts";
import type { Log } from "./log.ts";
import { Observed } from "./observed.ts";
import { ObservedFile } from "./observed-file.ts";
import type { AgentPaths } from "./paths.ts";
import { Reload } from "./reload.ts";
import { RulesCache } from "./rules-cache.ts";
import type { RulesStore } from "./rules-store.ts";
import { type AgentServer, startServer } from "./server.ts";
import { toKernelSettings } from "./settings.ts";
import { SocketError } from "./socket.ts";
import { Verifier } from "./verifier.ts";
import { WaitingFile } from "./waiting-record.ts";

export interface AgentOptions {
  readonly paths: AgentPaths;
  readonly config: AgentConfig;
  readonly version: string;
  readonly log: Log;
  readonly openStore: (config: AgentConfig) => RulesStore;
  readonly openEnforcer: (settings: KernelSettings) => Promise<Enforcer>;
}

/** What answers are made of. */
interface Parts {
  readonly enforcer: Enforcer;
  readonly applier: Applier;
  readonly history: History;
  readonly confirmations: Confirmations;
  readonly observed: Observed;
}

/** Sessions are counted this often, ms. */
const sweepInterval = 60_000;

export class Agent {
  readonly #options: AgentOptions;
  readonly #started = new Date();
  readonly #problems = new Map<string, string>();
  /** What has to be undone, last first. */
  readonly #ends: (() => Promise<void> | void)[] = [];
  readonly #store: RulesStore;
  #config: AgentConfig;
  #enforcer: Enforcer | undefined;
  #confirmations: Confirmations | undefined;
  #observed: Observed | undefined;
  #reload: Reload | undefined;
  #metrics: Metrics | undefined;

  private constructor(options: AgentOptions) {
    this.#options = options;
    this.#config = options.config;
    this.#store = options.openStore(options.config);
  }

  /**
   * Starts an agent; when it settles, rules are in force and clients are answered.
   * @throws Failure with what keeps it from starting; what the kernel enforced before is still enforced
   */
  static async start(options: AgentOptions): Promise<Agent> {
    const agent = new Agent(options);
    try {
      await agent.#start();
      return agent;
    } catch (error) {
      await agent.#end();
      throw error;
    }
  }

  async #start(): Promise<void> {
    const { paths, log } = this.#options;
    const lock: Lock = acquireLock(paths.lock);
    this.#ends.push(() => lock.release());
    const history = await History.open(paths.state, (message) => log.error(message));
    const first = new FirstRules({
      store: this.#store,
      history,
      log,
      onLastGood: (why) => this.#problems.set("store", why),
    });
    // Before the kernel is touched: a host without rules is left as it is.
    const chosen = await first.choose();
    const enforcer = await this.#openEnforcer();
    const rules = new RulesCache(paths.state);
    this.#ends.push(() => rules.stop());
    const applier = new Applier({
      enforcer,
      history,
      rules,
      limits: () => this.#config.limits,
      host: this.#config.host,
      log,
      onResult: (result, seconds) => this.#noteResult(result, seconds),
      onInForce: (before, after) => this.#observed?.follow(before, after),
      onOwed: () => void this.#reload?.rules(),
    });
    this.#metrics = this.#createMetrics(enforcer, applier);
    const reload = this.#createReload(enforcer, applier);
    const confirmations = this.#createConfirmations(enforcer, applier);
    await first.bringIntoForce(applier, confirmations, chosen);
    const observed = this.#createObserved(enforcer, applier);
    this.#ends.push(await observed.start());
    await this.#listen({ enforcer, applier, history, confirmations, observed });
    this.#ends.push(await this.#store.watch(() => reload.rules()));
    this.#ends.push(this.#verifier(enforcer).start());
    log.info(
      { revision: applier.inForce?.revision, adopted: enforcer.adopted, host: this.#config.host },
      "enforcing",
    );
    // A change between the first look and the watch would otherwise wait for the next one. Nobody waits for this look.
    void reload.rules();
    this.#sweepRegularly(enforcer);
  }

  #createReload(enforcer: Enforcer, applier: Applier): Reload {
    const reload = new Reload({
      applier,
      store: this.#store,
      log: this.#options.log,
      isBusy: () => this.#confirmations?.isBusy ?? false,
      configure: () => enforcer.configure(toKernelSettings(this.#config)),
      onInStep: () => this.#problems.delete("store"),
    });
    this.#reload = reload;
    this.#ends.push(() => reload.stop());
    return reload;
  }

  #noteResult(result: ApplyResult, seconds: number): void {
    this.#metrics?.recordApply(result, seconds);
    // Whoever made it, the store says the same.
    if (result === "applied" || result === "unchanged") this.#reload?.settle();
  }

  #createConfirmations(enforcer: Enforcer, applier: Applier): Confirmations {
    const { paths, log } = this.#options;
    const confirmations = new Confirmations({
      enforcer,
      applier,
      store: this.#store,
      file: new WaitingFile(paths.state, (message) => log.error(message)),
      log,
      onReverted: () => this.#metrics?.recordApply("reverted", 0),
      onDecided: async () => this.#reload?.rules(),
    });
    this.#confirmations = confirmations;
    this.#ends.push(() => confirmations.stop());
    return confirmations;
  }

  #createObserved(enforcer: Enforcer, applier: Applier): Observed {
    const { paths, log } = this.#options;
    this.#observed = new Observed({
      enforcer,
      inForce: () => applier.inForce,
      file: new ObservedFile(paths.state, (message) => log.error(message)),
      log,
    });
    return this.#observed;
  }

  async #openEnforcer(): Promise<Enforcer> {
    try {
      const enforcer = await this.#options.openEnforcer(toKernelSettings(this.#config));
      this.#enforcer = enforcer;
      return enforcer;
    } catch (error) {
      throw new Failure("kernel", error instanceof Error ? error.message : String(error), { cause: error });
    }
  }

  #createMetrics(enforcer: Enforcer, applier: Applier): Metrics {
    return createMetrics({
      version: this.#options.version,
      kernelRelease: release(),
      counters: () => enforcer.counters(),
      status: () => enforcer.figures(),
      lost: () => enforcer.lost(),
      model: () => ({
        groups: applier.inForce?.model.groups.size ?? 0,
        rules: applier.inForce === null ? 0 : countRules(applier.inForce.model),
        revision: applier.inForce?.revision ?? 0,
      }),
      pending: () => this.#reload?.pending ?? { rules: false, settings: false },
    });
  }

  async #listen(parts: Parts): Promise<void> {
    const { log } = this.#options;
    const server = await this.#startServer(parts);
    this.#ends.push(() => server.close());
    const metrics = await this.#startMetrics(parts.applier);
    if (metrics !== undefined) this.#ends.push(() => metrics.close());
    log.debug({ socket: this.#config.socket.path, metrics: this.#config.metrics.listen }, "listening");
  }

  async #startServer(parts: Parts): Promise<AgentServer> {
    const { enforcer, applier } = parts;
    const { log, version } = this.#options;
    const { path, group: groupName } = this.#config.socket;
    const group = findGroup(groupName);
    if (group === undefined)
      log.warn(
        { group: groupName },
        "the socket's group does not exist here: only root may talk to the agent",
      );
    const agent = {
      version,
      pid: process.pid,
      started: this.#started.toISOString(),
      kernel: release(),
      host: this.#config.host,
    };
    const problems = () => [...this.#problems.values(), ...this.problems];
    try {
      return await startServer({
        path,
        group,
        handlers: createHandlers({
          ...parts,
          store: this.#store,
          log,
          config: () => this.#config,
          agent,
          problems,
          verifier: this.#verifier(enforcer),
        }),
        subscribe: ({ interface: name, network }, send) => {
          requireNarrowed({ interface: name, network });
          const id = name === undefined ? undefined : findInterface(requireInForce(applier), name, network);
          const source = { enforcer, inForce: () => applier.inForce };
          // As they happen: what nobody read when it did is told by counters.
          return subscribeToEvents(source, { interface: id, since: process.hrtime.bigint() }, send);
        },
        peerOf: (fd) => native().peerCredentials(fd),
        log,
      });
    } catch (error) {
      if (error instanceof SocketError) throw new Failure("refused", error.message, { cause: error });
      throw error;
    }
  }

  /** A port that is taken must not keep a host without protection: it is said, and the agent goes on. */
  async #startMetrics(applier: Applier): Promise<MetricsServer | undefined> {
    const { listen } = this.#config.metrics;
    const where = parseListen(listen);
    const metrics = this.#metrics;
    if (where === undefined || metrics === undefined) return undefined;
    try {
      return await startMetricsServer({
        ...where,
        metrics,
        notReady: () => (applier.inForce === null ? "no rules are in force yet" : null),
        onError: (error) => this.#options.log.error({ err: error }, "metrics could not be read"),
      });
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code ?? String(error);
      const problem = `metrics are not served: ${listen} cannot be listened on (${code})`;
      this.#problems.set("metrics", problem);
      this.#options.log.error(problem);
      return undefined;
    }
  }

  #verifier(enforcer: Enforcer): Verifier {
    return new Verifier(enforcer, this.#options.log);
  }

  #sweepRegularly(enforcer: Enforcer): void {
    const sweep = () => {
      enforcer
        .sweep()
        .catch((error: unknown) => this.#options.log.error({ err: error }, "sessions could not be counted"));
    };
    // Who waits for the start is told first: a look at the tables of 1,000 interfaces takes 0.1 to 0.3 s.
    const first = setImmediate(sweep);
    const timer = setInterval(sweep, sweepInterval);
    timer.unref();
    this.#ends.push(() => {
      clearImmediate(first);
      clearInterval(timer);
    });
  }

  /** SIGHUP: what may change while the agent runs is taken over; what may not is said. */
  async reload(config: AgentConfig): Promise<void> {
    const { log } = this.#options;
    for (const key of ["host", "socket", "store", "metrics"] as const) {
      if (JSON.stringify(config[key]) !== JSON.stringify(this.#config[key])) {
        log.warn({ key }, "takes effect when the agent starts again");
      }
    }
    const { host, socket, store, metrics } = this.#config;
    this.#config = { ...config, host, socket, store, metrics };
    log.level = config.log.level;
    await this.#reload?.settings();
    await this.#reload?.rules();
  }

  /** What was edited, is not in force, and is tried again. */
  get problems(): readonly string[] {
    return this.#reload?.problems ?? [];
  }

  /** Ends the agent. What is in force stays in force, unless `detach` opens everything. */
  async stop({ detach }: { readonly detach: boolean }): Promise<void> {
    await this.#end(detach);
  }

  async #end(detach = false): Promise<void> {
    for (const end of this.#ends.splice(1).reverse()) await end();
    await this.#enforcer?.close({ detach });
    for (const end of this.#ends.splice(0)) await end();
  }
}
