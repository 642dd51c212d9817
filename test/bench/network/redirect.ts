/** A redirect from each guest's device to the other's, in XDP: what a host can do at most. */
import { Driver } from "../../kernel/namespace.ts";
import { type Bed, tapOf } from "./guests.ts";
import type { Lane } from "./lanes.ts";
import type { Tools } from "./tools.ts";

export async function openRedirect({ host }: Bed, { ends, frames }: Tools): Promise<Lane> {
  const driver = Driver.start(host.name, ends, [frames]);
  try {
    await driver.call("forward", [tapOf(1), tapOf(2)]);
  } catch (error) {
    await driver.kill();
    throw error;
  }
  const nothing = { setRules: async () => {}, forget: () => {}, sessionShare: () => null };
  return { ...nothing, close: () => driver.kill() };
}
