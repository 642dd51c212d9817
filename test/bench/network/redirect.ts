/**
 * What a host can do at most: a redirect from each guest's device to the other's, in XDP; and on its bridge, what is left
 * of it by one look-up in an LRU table at each end, at tc.
 */
import { Driver } from "../../kernel/namespace.ts";
import { type Bed, tapOf } from "./guests.ts";
import type { Lane } from "./lanes.ts";
import type { Tools } from "./tools.ts";

async function openWith(
  command: "forward" | "look",
  { host }: Bed,
  { ends, frames, sessions }: Tools,
): Promise<Lane> {
  const driver = Driver.start(host.name, ends, [
    frames,
    ...(command === "look" ? [String(2 * sessions)] : []),
  ]);
  try {
    await driver.call(command, [tapOf(1), tapOf(2)]);
  } catch (error) {
    await driver.kill();
    throw error;
  }
  const nothing = { setRules: async () => {}, forget: () => {}, sessionShare: () => null };
  return { ...nothing, close: () => driver.kill() };
}

export const openRedirect = (bed: Bed, tools: Tools): Promise<Lane> => openWith("forward", bed, tools);
export const openLookUps = (bed: Bed, tools: Tools): Promise<Lane> => openWith("look", bed, tools);
