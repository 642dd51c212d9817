import { Enforcement } from "../kernel/enforcement.ts";
import type { Enforcer } from "../kernel/enforcer.ts";
import { defaultSettings } from "../kernel/settings.ts";
import { Failure } from "./failure.ts";
import { acquireLock } from "./lock.ts";
import { SetDownFile } from "./set-down-file.ts";

export interface DetachOptions {
  readonly object: string;
  readonly bpffs: string;
  readonly lock: string;
  /** The agent's state directory. */
  readonly state: string;
  /** Told where it cannot be known which devices an agent had set down: they stay down. */
  readonly onDamage: (message: string) => void;
}

/**
 * Takes every program, filter and pin of Ringwall off this host, and sets up what an agent had set down: all devices are
 * open then.
 * @throws Failure `refused` while an agent runs (it would put everything back), `kernel` where the kernel refuses
 */
export async function detachHost({ object, bpffs, lock, state, onDamage }: DetachOptions): Promise<void> {
  const held = acquireLock(lock);
  try {
    const setDown = new SetDownFile(state, onDamage);
    const settings = defaultSettings;
    const enforcement: Enforcer = await Enforcement.open({ object, root: bpffs, settings, setDown });
    await enforcement.close({ detach: true });
  } catch (error) {
    throw new Failure("kernel", error instanceof Error ? error.message : String(error), { cause: error });
  } finally {
    held.release();
  }
}

/** Names of the devices that an agent had set down, and that a detach sets up again. `state`: its state directory. */
export function listSetDown(state: string): readonly string[] {
  return new SetDownFile(state, () => undefined).read().map(({ name }) => name);
}
