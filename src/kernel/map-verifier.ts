/** Looks at the maps through an engine's life: what differs is found, mended, and looked at again. */
import { CleanLooks, listKnown, readImage } from "./clean-look.ts";
import type { ModelChange } from "./engine.ts";
import { errorText } from "./errors.ts";
import type { Finding } from "./finding.ts";
import type { ObjectMaps } from "./object-maps.ts";
import type { Proofs } from "./proofs.ts";
import { type RawState, readState } from "./readback.ts";
import type { KnownState } from "./state.ts";
import type { Verification } from "./status.ts";
import { describeFindings, mendExactly, VerificationRecord } from "./verification.ts";
import { findDifferences } from "./verify.ts";
import { joinStored, rawPolicy } from "./verify-policies.ts";

/** What a look needs of the engine. */
export interface VerifiedParts {
  readonly maps: ObjectMaps;
  readonly proofs: Proofs;
  readonly known: () => KnownState;
  /** A change waits for its confirmation: the kernel may switch its words back at any moment. */
  readonly isHeld: () => boolean;
  readonly settle: () => Promise<void>;
  /** Brings the change in force into force again; what is broken is written anew. */
  readonly apply: (change: ModelChange) => Promise<unknown>;
}

/** Finds what differs in maps that do not follow the model: settings, marks. */
export type OtherFindings = () => Iterable<Finding>;

export class MapVerifier {
  readonly #parts: VerifiedParts;
  readonly #record = new VerificationRecord();
  readonly #brokenRecords = new Set<number>();
  readonly #clean = new CleanLooks();

  constructor(parts: VerifiedParts) {
    this.#parts = parts;
  }

  /** Records that something else wrote to. */
  get brokenRecords(): ReadonlySet<number> {
    return this.#brokenRecords;
  }

  get status(): VerificationRecord["status"] {
    return this.#record.status;
  }

  /**
   * Compares all that the programs judge by with what is known of it, proves every policy in force again, and mends
   * what differs: by exact values, or as any change by writing beside and switching. Where something did, a second
   * look says whether it is mended. `change`: the one in force; `others`: looks at what is not the model's.
   */
  async verify(change: ModelChange, others: OtherFindings): Promise<Verification> {
    const begin = performance.now();
    const time = new Date().toISOString();
    const { proofs, known, apply } = this.#parts;
    const first = await this.#compare(change, others);
    let after: readonly Finding[] = [];
    const errors = mendExactly(first);
    if (first.length > 0) {
      if (this.#brokenRecords.size > 0 || proofs.broken.size > 0)
        await apply(change).catch((error: unknown) => errors.push(error));
      after = await this.#compare(change, others);
    }
    const verification = {
      time,
      duration_ms: performance.now() - begin,
      policies: [...known().policies.keys()].filter((version) => proofs.provenAt(version) !== null).length,
      differences: describeFindings(first, after),
      problem: errors.length === 0 ? null : errors.map(errorText).join("; "),
    };
    this.#record.add(verification);
    return verification;
  }

  async #compare(change: ModelChange, others: OtherFindings): Promise<readonly Finding[]> {
    const { maps, proofs, known, isHeld, settle } = this.#parts;
    await settle();
    const image = await readImage(maps, known());
    const { resolved, policies } = change;
    const held = isHeld();
    const look = { digest: image.digest, resolved, policies, isHeld: held, known: listKnown(known()) };
    this.#brokenRecords.clear();
    const still = this.#clean.findProven(look);
    for (const version of still ?? []) proofs.note(version, null);
    if (still !== null) return [...others()];
    const raw = await readState(image.maps);
    const proven: number[] = [];
    const findings = await findDifferences({
      maps,
      raw,
      known: known(),
      isHeld: held,
      resolved,
      policies,
      onRecordBroken: (record) => this.#brokenRecords.add(record),
      onPolicyChecked: (version, problem) => {
        proofs.note(version, problem);
        if (problem === null) proven.push(version);
        else this.#ownAll(version, raw);
      },
    });
    this.#clean.note(look, findings.length === 0 ? proven : null);
    return [...others(), ...findings];
  }

  /** What was added to a version goes with it when it is erased. */
  #ownAll(version: number, raw: RawState): void {
    const { policies } = this.#parts.known();
    const stored = policies.get(version);
    if (stored !== undefined) policies.set(version, joinStored(stored, rawPolicy({ raw }, version)));
  }
}
