/** Two guests that listen, and an agent whose changes are to be confirmed. */
import { afterEach, beforeEach, expect } from "vitest";
import type { ConfirmationStatus, KernelStatus } from "../../src/kernel/status.ts";
import { inTime } from "../support/in-time.ts";
import { objectPath, withBpffs } from "./host.ts";
import { Bed, type Driver } from "./namespace.ts";
import type { ModelName } from "./scenarios.ts";

let made: Bed;
/** That of the test that runs. */
export const bed = (): Bed => made;

async function makeBed(): Promise<void> {
  made = new Bed("confirm");
  made.addGuest(1);
  made.addGuest(2);
  await made.listen(1, 80, 81);
  await made.listen(2, 80, 81);
}

/** Each test of the file has one of its own. */
export function useBed(): void {
  beforeEach(makeBed);
  afterEach(() => made.remove());
}

/** `body` sees what it has to before a deadline of so many seconds, or has another bed and a later one. */
export const beforeDeadline = (
  seconds: number,
  body: (root: string, seconds: number, seen: () => void) => Promise<void>,
) =>
  inTime(
    seconds,
    (longer, seen) => withBpffs((root) => body(root, longer, seen)),
    async () => {
      made.remove();
      await makeBed();
    },
  );

export async function start(root: string): Promise<Driver> {
  const driver = made.start();
  await driver.call("open", { object: objectPath, root, settings: "usual" });
  return driver;
}
export const apply = (driver: Driver, model: ModelName) => driver.call("apply", model);
export const applyFor = (driver: Driver, model: ModelName, seconds: number) =>
  driver.call("applyFor", { model, seconds });
export const connect = (driver: Driver, port: number, guest = 1) =>
  driver.call<string>("connect", { host: `10.0.0.${guest}`, port });
export const confirmation = (driver: Driver) => driver.call<ConfirmationStatus | null>("confirmation");
export const generation = async (driver: Driver) =>
  (await driver.call<KernelStatus>("status")).interfaces[0]?.generation;
/** The last attempt at a deadline takes more than a minute. */
export const deadlinePatience = { timeout: 180_000, interval: 100 };
/** Past the deadline, by what the packets meet. */
export const awaitOld = (driver: Driver) =>
  expect.poll(() => connect(driver, 80), deadlinePatience).toBe("open");
