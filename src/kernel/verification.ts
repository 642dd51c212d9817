/** What verifications found, as status and metrics tell it. */
import type { Finding } from "./finding.ts";
import type { Difference, ProofStatus, Verification } from "./status.ts";

/** Writes exact values back. Returns what could not be written. */
export function mendExactly(findings: readonly Finding[]): unknown[] {
  const errors: unknown[] = [];
  for (const { mend } of findings) {
    try {
      mend?.();
    } catch (error) {
      errors.push(error);
    }
  }
  return errors;
}

/** What was found, and whether it is still there. What came only since is among it. */
export function describeFindings(first: readonly Finding[], after: readonly Finding[]): Difference[] {
  const key = ({ map, message }: Finding) => `${map} ${message}`;
  const left = new Set(after.map(key));
  const known = new Set(first.map(key));
  const describe = (finding: Finding): Difference => ({
    map: finding.map,
    message: finding.message,
    interfaces: [...new Set(finding.interfaces)],
    mended: !left.has(key(finding)),
  });
  return [...first, ...after.filter((finding) => !known.has(key(finding)))].map(describe);
}

/** Since the agent began. */
export class VerificationRecord {
  readonly #counts = { clean: 0, mended: 0, failed: 0 };
  readonly #differences = new Map<string, number>();
  #last: Verification | null = null;
  #lastDiffering: Verification | null = null;

  add(verification: Verification): void {
    const { differences } = verification;
    this.#last = verification;
    if (differences.length === 0) {
      this.#counts.clean++;
      return;
    }
    this.#lastDiffering = verification;
    this.#counts[differences.every(({ mended }) => mended) ? "mended" : "failed"]++;
    for (const { map } of differences) this.#differences.set(map, (this.#differences.get(map) ?? 0) + 1);
  }

  get status(): Omit<ProofStatus, "policies"> {
    return {
      verifications: { ...this.#counts },
      differences: Object.fromEntries(this.#differences),
      last: this.#last,
      lastDiffering: this.#lastDiffering,
    };
  }
}
