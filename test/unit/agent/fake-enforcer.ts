import type { Enforcer, ModelInForce } from "../../../src/kernel/enforcer.ts";
import { EnforcementError } from "../../../src/kernel/errors.ts";
import type { KernelSettings } from "../../../src/kernel/settings.ts";
import type {
  ApplyReport,
  ConfirmationStatus,
  PacketCounter,
  PacketEvent,
  PacketVerdict,
  RemovedDevice,
  Session,
  SessionFilter,
  Verification,
} from "../../../src/kernel/status.ts";
import type { Resolved } from "../../../src/policy/types.ts";

/** A kernel that remembers what it was told, for tests of the agent alone. */
export class FakeEnforcer implements Enforcer {
  readonly adopted = false;
  readonly configured: KernelSettings[] = [];
  readonly ended: SessionFilter[] = [];
  readonly listeners = new Set<(event: PacketEvent) => void>();
  resolved: Resolved | null = null;
  applies = 0;
  refuses: string | null = null;
  /** What the next calls of `apply` throw, and of `configure`; null: that one succeeds. */
  readonly failures: (Error | null)[] = [];
  readonly configureFailures: (Error | null)[] = [];
  /** Devices that drop everything, because their interface left the rules. */
  removed: readonly RemovedDevice[] = [];
  refusesResume: string | null = null;
  sessionList: readonly Session[] = [];
  counterList: readonly PacketCounter[] = [];
  answer: PacketVerdict = {
    verdict: "accept",
    reason: "rule",
    session: "new",
    rule: 0,
    ruleSide: "ingress",
    version: 1,
  };
  /** What status says of tables that keep their size. */
  smallerTables: string | null = null;
  verifications = 0;
  /** What verify says. */
  willFind: Verification | null = null;
  verified: Verification | null = null;
  closed: { readonly detach: boolean } | null = null;

  /** What waits, or was decided; tests set `reverted` where the kernel would. */
  confirmation: ConfirmationStatus | null = null;
  #before: Resolved | null = null;

  async apply(resolved: Resolved, _policies?: unknown, seconds: number | null = null): Promise<ApplyReport> {
    this.applies++;
    if (this.refuses !== null) throw new EnforcementError("CAPACITY", this.refuses);
    const failure = this.failures.shift() ?? null;
    if (failure !== null) throw failure;
    if (seconds !== null) {
      this.#before = this.resolved;
      this.confirmation = { state: "waiting", remaining_seconds: seconds };
    }
    this.resolved = resolved;
    return {
      generation: this.applies,
      entriesWritten: 1,
      slotsSwitched: 1,
      recordsSwitched: 1,
      duration_ms: 1,
    };
  }

  async resume(before: ModelInForce, waiting: ModelInForce): Promise<void> {
    if (this.refusesResume !== null) throw new EnforcementError("WAITING", this.refusesResume);
    this.#before = before.resolved;
    this.resolved = waiting.resolved;
  }

  async decide(decision: "keep" | "undo"): Promise<"kept" | "reverted"> {
    const { state = "reverted" } = this.confirmation ?? {};
    const outcome = state !== "waiting" ? state : decision === "keep" ? "kept" : "reverted";
    if (outcome === "reverted" && this.#before !== null) this.resolved = this.#before;
    this.#before = null;
    this.confirmation = { state: outcome, remaining_seconds: 0 };
    return outcome;
  }

  async forget(): Promise<void> {
    this.confirmation = null;
  }

  async configure(settings: KernelSettings): Promise<void> {
    this.configured.push(settings);
    const failure = this.configureFailures.shift() ?? null;
    if (failure !== null) throw failure;
  }

  async release(ifindex: number): Promise<boolean> {
    const found = this.removed.some((device) => device.ifindex === ifindex);
    this.removed = this.removed.filter((device) => device.ifindex !== ifindex);
    return found;
  }

  status() {
    const interfaces = (this.resolved?.interfaces ?? []).map(
      ({ interface: { id, device }, policy }, number) => ({
        interface: id,
        number,
        device,
        ifindex: number + 5,
        state: "enforcing" as const,
        mode: "tc" as const,
        programs: { xdp: null, tcEgress: 1, tcIngress: 2 },
        policy,
        version: 1,
        generation: this.applies,
        proven: "2026-01-01T00:00:00.000Z",
        forwarding: { wanted: "kernel" as const, now: "kernel" as const, reason: null },
        tables: [],
        problem: null,
      }),
    );
    return {
      adopted: false,
      object: "00",
      hz: 250,
      generation: this.applies,
      smallerTables: this.smallerTables,
      interfaces,
      removed: this.removed,
      uplinks: [],
      maps: [],
      proof: {
        policies: { proven: 1, refused: 0 },
        verifications: { clean: 0, mended: 0, failed: 0 },
        differences: {},
        last: this.verified,
        lastDiffering: this.verified,
      },
    };
  }

  figures() {
    return this.status();
  }

  async sessions(): Promise<AsyncIterable<readonly Session[]>> {
    return this.#sessionPieces();
  }

  async *#sessionPieces(): AsyncGenerator<readonly Session[]> {
    for (let first = 0; first < this.sessionList.length; first += 256)
      yield this.sessionList.slice(first, first + 256);
  }

  async endSessions(filter: SessionFilter): Promise<number> {
    this.ended.push(filter);
    return 3;
  }

  async verify(): Promise<Verification | null> {
    this.verifications++;
    this.verified = this.willFind;
    return this.verified;
  }

  async sweep(): Promise<void> {}

  counters(): readonly PacketCounter[] {
    return this.counterList;
  }

  lost() {
    return { full: 0n, rate: 0n };
  }

  onEvent(listener: (event: PacketEvent) => void): () => void {
    this.listeners.add(listener);
    return () => void this.listeners.delete(listener);
  }

  async ask(interfaceId: string): Promise<PacketVerdict> {
    const here = this.resolved?.interfaces.some(({ interface: { id } }) => id === interfaceId) ?? false;
    if (!here) throw new EnforcementError("UNKNOWN_INTERFACE", `${interfaceId} is not here`);
    return this.answer;
  }

  async close(options: { readonly detach: boolean }): Promise<void> {
    this.closed = options;
  }
}
