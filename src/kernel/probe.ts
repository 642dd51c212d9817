/** What this kernel and host have, for `doctor` and `status`. Nothing is changed; each answer stands alone. */
import { existsSync, readFileSync } from "node:fs";
import { release } from "node:os";
import { missingCapabilities, readCapabilities } from "./capabilities.ts";
import { confirmObject } from "./confirmation.ts";
import { readDeviceFacts } from "./device-facts.ts";
import { findBypasses } from "./device-kind.ts";
import { errorText } from "./errors.ts";
import { hasTcx, isBpffs, isKernelAtLeast, loadError } from "./host-check.ts";
import { native } from "./native.ts";
import { leastSizes } from "./testrun-sizes.ts";

export interface Finding {
  readonly name: string;
  /** `missing`: Ringwall does not run; `advice`: it runs, and could be better. */
  readonly result: "ok" | "advice" | "missing";
  readonly text: string;
  /** What to do; empty where all is well. */
  readonly remedy: string;
}

export function probeHost(options: { readonly object: string; readonly root: string }): readonly Finding[] {
  return [
    probeKernel(),
    probeAddon(),
    probePrograms(options.object),
    probeConfirm(options.object),
    probeFile("kernel types (BTF)", "/sys/kernel/btf/vmlinux", "boot a kernel with CONFIG_DEBUG_INFO_BTF=y"),
    probeCapabilities(),
    probeBpffs(options.root),
    probeSysctl(
      "bpf_jit_enable",
      "/proc/sys/net/core/bpf_jit_enable",
      ["1", "2"],
      "the programs run interpreted",
    ),
    probeSysctl(
      "unprivileged_bpf_disabled",
      "/proc/sys/kernel/unprivileged_bpf_disabled",
      ["1", "2"],
      "any user may load programs",
    ),
    probeTcx(),
    probeBypasses(),
  ];
}

function probeKernel(): Finding {
  const recent = isKernelAtLeast(6, 1);
  return {
    name: "kernel",
    result: recent ? "ok" : "missing",
    text: release(),
    remedy: recent ? "" : "boot a kernel of 6.1 or later",
  };
}

function probeAddon(): Finding {
  try {
    return { name: "addon", result: "ok", text: `libbpf ${native().libbpfVersion()}`, remedy: "" };
  } catch (error) {
    return {
      name: "addon",
      result: "missing",
      text: errorText(error),
      remedy: "run `make build` on this host",
    };
  }
}

function probeFile(name: string, path: string, remedy: string): Finding {
  const found = existsSync(path);
  return {
    name,
    result: found ? "ok" : "missing",
    text: found ? path : `${path} is missing`,
    remedy: found ? "" : remedy,
  };
}

/** Loads the programs for this look alone: nothing is pinned or attached. */
function probePrograms(object: string): Finding {
  const name = "programs";
  const file = probeFile(name, object, "run `make build`, or install the package again");
  if (file.result !== "ok") return file;
  try {
    native().BpfObject.load({ path: object, maxEntries: leastSizes }).close();
    return file;
  } catch (error) {
    const { code, message } = loadError(object, error);
    const remedy =
      code === "PERMISSION"
        ? "run as root, or give these capabilities"
        : "boot a kernel of 6.1 or later, run `make build`, or report this with the kernel's version";
    return { name, result: "missing", text: message, remedy };
  }
}

/** Everything else works without it. */
function probeConfirm(object: string): Finding {
  const found = probeFile(
    "apply --confirm",
    confirmObject(object),
    "run `make build`, or install the package again",
  );
  return found.result === "ok" ? found : { ...found, result: "advice" };
}

function probeCapabilities(): Finding {
  const missing = missingCapabilities(readCapabilities());
  const good = missing.length === 0;
  return {
    name: "capabilities",
    result: good ? "ok" : "missing",
    text: good ? "all that loading needs" : `missing: ${missing.join(", ")}`,
    remedy: good ? "" : "run as root, or give these capabilities",
  };
}

function probeBpffs(root: string): Finding {
  const mounted = isBpffs(root);
  return {
    name: "bpffs",
    result: mounted ? "ok" : "advice",
    text: mounted ? root : `no bpffs at ${root} yet`,
    remedy: mounted ? "" : "the agent mounts one when it starts",
  };
}

function probeSysctl(name: string, path: string, wanted: readonly string[], harm: string): Finding {
  const value = existsSync(path) ? readFileSync(path, "utf8").trim() : "absent";
  const good = wanted.includes(value);
  const key = path.replace("/proc/sys/", "").replaceAll("/", ".");
  return {
    name,
    result: good ? "ok" : "advice",
    text: good ? value : `${value}: ${harm}`,
    remedy: good ? "" : `sysctl -w ${key}=${wanted[0] ?? ""}`,
  };
}

/** Guests that no program on this host could judge. */
function probeBypasses(): Finding {
  const name = "devices past the hooks";
  try {
    const found = findBypasses(native().listLinks(), readDeviceFacts).map(({ text }) => text);
    const good = found.length === 0;
    const text = good ? "no macvtap, macvlan, ipvlan or SR-IOV function" : found.join(", ");
    const remedy = good
      ? ""
      : "give guests that shall be protected a tap or veth: these are judged by nothing";
    return { name, result: good ? "ok" : "advice", text, remedy };
  } catch (error) {
    return { name, result: "advice", text: errorText(error), remedy: "mend what is missing above" };
  }
}

function probeTcx(): Finding {
  const name = "tcx";
  try {
    if (hasTcx()) return { name, result: "ok", text: "links at tc", remedy: "" };
    const text = "clsact filters, which another tool's `tc qdisc del` takes away";
    return { name, result: "advice", text, remedy: "boot a kernel of 6.6 or later" };
  } catch (error) {
    return { name, result: "advice", text: errorText(error), remedy: "mend what is missing above" };
  }
}
