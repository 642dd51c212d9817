/** What sysfs tells of a device's hardware: SR-IOV functions and switch ports. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { LinkInfo } from "./native.ts";

export interface DeviceFacts {
  /**
   * `virtual-function`: the guest's end of a part of a card. `representor`: the host's end of one, of a card that
   * may switch by itself. `physical`: a card. `software`: none of these, or not known.
   */
  readonly hardware: "virtual-function" | "representor" | "physical" | "software";
  /** Virtual functions that are cut out of it now. */
  readonly virtualFunctions: number;
}

export const unknownFacts: DeviceFacts = { hardware: "software", virtualFunctions: 0 };

const sysfs = "/sys/class/net";

function readLine(path: string): string {
  try {
    return readFileSync(path, "utf8").trim();
  } catch {
    // Absent, or there and unreadable (a port without a switch answers EOPNOTSUPP): it says nothing either way.
    return "";
  }
}

/** `root`: where the kernel's devices are listed. What is listed there of another namespace is passed over. */
export function readDeviceFacts(
  link: Pick<LinkInfo, "name" | "ifindex" | "kind">,
  root = sysfs,
): DeviceFacts {
  // What the kernel made by itself is no hardware: most of a host's devices need no look.
  if (link.kind !== "") return unknownFacts;
  const at = join(root, link.name);
  // A process may see the sysfs of another network namespace than its own.
  if (readLine(join(at, "ifindex")) !== String(link.ifindex)) return unknownFacts;
  const device = join(at, "device");
  const virtualFunctions = Number(readLine(join(device, "sriov_numvfs"))) || 0;
  if (existsSync(join(device, "physfn"))) return { hardware: "virtual-function", virtualFunctions };
  // "pf0vf3", "c1pf0sf88": the port of a function; "p0" is the wire itself.
  if (/^(c\d+)?pf\d+(vf|sf)\d+$/.test(readLine(join(at, "phys_port_name"))))
    return { hardware: "representor", virtualFunctions };
  return { hardware: existsSync(device) ? "physical" : "software", virtualFunctions };
}
