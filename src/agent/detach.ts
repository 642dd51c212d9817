import { Enforcement } from "../kernel/enforcement.ts";
import type { Enforcer } from "../kernel/enforcer.ts";
import { defaultSettings } from "../kernel/settings.ts";
import { Failure } from "./failure.ts";
import { acquireLock } from "./lock.ts";

export interface DetachOptions {
  readonly object: string;
  readonly bpffs: string;
  readonly lock: string;
}

/**
 * Takes every program, filter and pin of Ringwall off this host: all devices are open then.
 * @throws Failure `refused` while an agent runs (it would put everything back), `kernel` where the kernel refuses
 */
export async function detachHost({ object, bpffs, lock }: DetachOptions): Promise<void> {
  const held = acquireLock(lock);
  try {
    const enforcement: Enforcer = await Enforcement.open({ object, root: bpffs, settings: defaultSettings });
    await enforcement.close({ detach: true });
  } catch (error) {
    throw new Failure("kernel", error instanceof Error ? error.message : String(error), { cause: error });
  } finally {
    held.release();
  }
}
