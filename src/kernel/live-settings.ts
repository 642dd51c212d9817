/** rw_settings: what the programs follow beside the model. */
import type { Finding } from "./finding.ts";
import { SettingsStruct } from "./layout.gen.ts";
import { indexKey } from "./maps.ts";
import { type BpfMap, native } from "./native.ts";
import { encodeSettings, type KernelSettings } from "./settings.ts";
import { findSettings } from "./verify-places.ts";

export class LiveSettings {
  readonly #map: BpfMap;
  readonly #hz: number;
  #settings: KernelSettings;
  /** As rw_settings has it. */
  #taiOffset = 0;

  /** `hz`: jiffies per second. */
  constructor(map: BpfMap, hz: number, settings: KernelSettings) {
    this.#map = map;
    this.#hz = hz;
    this.#settings = settings;
  }

  get now(): KernelSettings {
    return this.#settings;
  }

  /** Idle times, jiffies, by enum session_state. */
  get timeouts(): readonly number[] {
    return encodeSettings(this.#settings, this.#hz, 0).timeouts;
  }

  /** Writes them as they are, or others, from now on. */
  write(settings: KernelSettings = this.#settings): void {
    this.#settings = settings;
    this.#taiOffset = native().taiOffset();
    this.#map.set(indexKey(0), this.#encode());
  }

  /** Whether the map holds something else. */
  find(): Iterable<Finding> {
    // A time daemon may have learnt the offset since: that is no difference, but expiry follows it.
    if (native().taiOffset() !== this.#taiOffset) this.write();
    return findSettings(this.#map, this.#encode());
  }

  #encode(): Uint8Array {
    return SettingsStruct.encode(encodeSettings(this.#settings, this.#hz, this.#taiOffset));
  }
}
