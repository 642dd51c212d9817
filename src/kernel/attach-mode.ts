/** Which ways of attachment a device is tried with. Pure. */
import { isKernelAtLeast } from "./host-check.ts";
import type { LinkInfo } from "./native.ts";
import type { AttachChoice } from "./settings.ts";
import type { AttachMode } from "./status.ts";

/** The kernel carries XDP metadata of a tap to tc from here on: below, tc would judge all of it anyway. */
const tapMetadata = [6, 15] as const;

/** Best first. A mode that the operator chose has no other behind it. */
export function candidateModes(
  choice: AttachChoice,
  link: Pick<LinkInfo, "kind">,
  release?: string,
): readonly AttachMode[] {
  switch (choice) {
    case "native":
    case "generic":
    case "tc":
      return [choice];
    case "auto":
      return automaticModes(link.kind, release);
    default: {
      const unknown: never = choice;
      throw new Error(`attach: ${String(unknown)}`);
    }
  }
}

function automaticModes(kind: string, release: string | undefined): readonly AttachMode[] {
  if (kind === "") return ["native", "generic", "tc"];
  // Native XDP on a veth switches off TSO at its peer; generic linearises what tc takes as it is.
  if (kind === "tun" && isKernelAtLeast(tapMetadata[0], tapMetadata[1], release)) return ["native", "tc"];
  return ["tc"];
}

/** What the operator's choice costs on this device; null: nothing. */
export function cautionMode(
  choice: AttachChoice,
  { name, kind }: Pick<LinkInfo, "name" | "kind">,
): string | null {
  if (choice !== "native" || kind !== "veth") return null;
  return `attach: native on ${name} switches off segmentation offload at its peer, so the guest's bulk TCP is slower: set \`attach: auto\``;
}

/** Native on an uplink drops before an skb exists; generic is the same text, later. */
export const uplinkModes: readonly ("native" | "generic")[] = ["native", "generic"];
