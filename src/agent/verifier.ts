/** Proves what the kernel holds again, once a minute and on demand, and says what was found. */
import type { Enforcer } from "../kernel/enforcer.ts";
import type { KernelStatus, Verification } from "../kernel/status.ts";
import { Failure } from "./failure.ts";
import type { Log } from "./log.ts";

/** ms */
const verifyInterval = 60_000;
/** What was mended stays among the problems of `status` so long, ms: somebody should see it. */
const shownFor = 3_600_000;
/** Differences that are told one by one; there may be thousands of one cause. */
const toldAtOnce = 20;

export class Verifier {
  readonly #enforcer: Pick<Enforcer, "verify">;
  readonly #log: Log;

  constructor(enforcer: Pick<Enforcer, "verify">, log: Log) {
    this.#enforcer = enforcer;
    this.#log = log;
  }

  /** Returns the function that stops it. One look at a time: a slow one is not overtaken by the next. */
  start(): () => void {
    let isBusy = false;
    const timer = setInterval(() => {
      if (isBusy) return;
      isBusy = true;
      this.verify()
        .catch((error: unknown) => this.#log.error({ err: error }, "what the kernel holds was not verified"))
        .finally(() => {
          isBusy = false;
        });
    }, verifyInterval);
    timer.unref();
    return () => clearInterval(timer);
  }

  /** Throws Failure `kernel` where the maps cannot be read. */
  async verify(): Promise<void> {
    let verification: Verification | null;
    try {
      verification = await this.#enforcer.verify();
    } catch (error) {
      const text = error instanceof Error ? error.message : String(error);
      throw new Failure("kernel", `What the kernel holds could not be verified: ${text}`, { cause: error });
    }
    if (verification !== null) this.#tell(verification);
  }

  #tell({ policies, differences, duration_ms, problem }: Verification): void {
    this.#log.debug({ policies, differences: differences.length, ms: duration_ms }, "verified");
    for (const { map, message, interfaces, mended } of differences.slice(0, toldAtOnce)) {
      this.#log.error({ map, interfaces, mended }, `something else changed ${map}: ${message}`);
    }
    if (differences.length > toldAtOnce)
      this.#log.error({ differences: differences.length }, "more was changed than is told here");
    if (problem !== null) this.#log.error({ problem }, "not all of it could be mended");
  }
}

/** What a verification found within the last hour, and what is unproven now, as problems of the host. */
export function listDifferences({ interfaces, proof }: KernelStatus, now: number): string[] {
  const unproven = interfaces
    .filter(({ proven, version }) => proven === null && version !== 0)
    .map(({ interface: id }) => `${id}: what the kernel holds of its rules is not proven`);
  const found = proof.lastDiffering;
  if (found === null) return unproven;
  // Where a later look found nothing, nothing is left of it.
  const isLeft = proof.last === found && found.differences.some(({ mended }) => !mended);
  if (!isLeft && now - Date.parse(found.time) > shownFor) return unproven;
  const told = found.differences
    .slice(0, toldAtOnce)
    .map(
      ({ map, message, mended }) =>
        `${map} was changed by something else: ${message} (${mended ? "mended" : "NOT mended"}, ${found.time})`,
    );
  const more = found.differences.length - told.length;
  return [
    ...unproven,
    ...told,
    ...(more > 0 ? [`${more} more places of the maps were changed`] : []),
    ...(found.problem === null ? [] : [`not all could be mended: ${found.problem}`]),
  ];
}
