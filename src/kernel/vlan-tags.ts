/** VLAN tags that a device leaves beside a frame's bytes, where XDP does not see them. */
import { errorText } from "./errors.ts";
import { type LinkInfo, native } from "./native.ts";

/** Frames come in on them as the devices below have them. */
const bundling: ReadonlySet<string> = new Set(["bond", "team"]);

const harm =
  "tagged frames count as untagged there, may be dropped early, and so nothing goes directly from it to a guest";

/**
 * Why an uplink's frames may have had tags that XDP was not shown, and what to do; null: they had none. Of a veth
 * the other end decides; its own flag, which changes nothing, is the operator's word that the other end is right.
 * `strips`: of a device's name; throws where that is not known.
 */
export function whyTagsHidden(
  link: Pick<LinkInfo, "ifindex" | "name" | "kind">,
  links: Iterable<Pick<LinkInfo, "name" | "master">>,
  strips: (device: string) => boolean = (device) => native().stripsVlanTags(device),
): string | null {
  const { ifindex, name, kind } = link;
  const below = bundling.has(kind) ? [...links].filter(({ master }) => master === ifindex) : [];
  try {
    const hiding = [link, ...below].filter((one) => strips(one.name));
    if (hiding.length === 0) return null;
    const commands = hiding.map((one) => `ethtool -K ${one.name} rxvlan off`).join(" && ");
    return kind === "veth"
      ? `${name} may have VLAN tags beside its frames: ${harm} (at its other end ethtool -K DEVICE txvlan off, then ${commands})`
      : `${name} takes VLAN tags off its frames: ${harm} (${commands})`;
  } catch (error) {
    return `${name} may take VLAN tags off its frames: ${harm} (${errorText(error)})`;
  }
}
