/** Commands of the driver: calls of the addon that fail, and what judged a device when programs came, or it went down. */
import { syncBuiltinESMExports } from "node:module";
import os from "node:os";
import { type BpfLink, type BpfProgram, native } from "../../src/kernel/native.ts";

type Call = "ingress" | "egress" | "xdp" | "update" | "down" | "detach";

/** How often a call fails from now on, and with what. */
const failing = new Map<Call, { code: string; times: number }>();

/** Programs at the hooks of a device. */
export interface Standing {
  readonly call: Call;
  readonly egress: number;
  readonly ingress: number;
  readonly xdp: number;
}
const seen: Standing[] = [];

function see(call: Call, ifindex: number): void {
  const [egress = 0, ingress = 0] = (["egress", "ingress"] as const).map(
    (direction) => native().queryTcx({ ifindex, direction }).length,
  );
  seen.push({ call, egress, ingress, xdp: native().queryXdp(ifindex) === 0 ? 0 : 1 });
  failWhereAsked(call);
}

function failWhereAsked(call: Call): void {
  const fault = failing.get(call);
  if (fault === undefined || fault.times === 0) return;
  fault.times--;
  throw Object.assign(new Error(`refused on purpose (${fault.code})`), { code: fault.code });
}

/** The methods of the addon's classes cannot be replaced, those of what it makes can. */
function watchLink(link: BpfLink): BpfLink {
  const update = link.update.bind(link);
  const value: BpfLink["update"] = (program) => {
    see("update", link.info().ifindex);
    update(program);
  };
  const detach = link.detach.bind(link);
  const leave: BpfLink["detach"] = () => {
    failWhereAsked("detach");
    detach();
  };
  Object.defineProperty(link, "detach", { value: leave });
  return Object.defineProperty(link, "update", { value });
}

function watchProgram(program: BpfProgram): BpfProgram {
  const [attachTcx, attachXdp] = [program.attachTcx.bind(program), program.attachXdp.bind(program)];
  const tcx: BpfProgram["attachTcx"] = (options) => {
    see(options.direction, options.ifindex);
    return watchLink(attachTcx(options));
  };
  const xdp: BpfProgram["attachXdp"] = (options) => {
    see("xdp", options.ifindex);
    return watchLink(attachXdp(options));
  };
  Object.defineProperty(program, "attachTcx", { value: tcx });
  return Object.defineProperty(program, "attachXdp", { value: xdp });
}

export const faults = {
  /** From now on, of programs and links that come later. */
  async watchHooks() {
    const addon = native();
    const { BpfObject, BpfLink: Link, setLinkUp } = addon;
    const load: typeof BpfObject.load = (options) => {
      const object = BpfObject.load(options);
      const program = object.program.bind(object);
      return Object.defineProperty(object, "program", {
        value: (name: string) => watchProgram(program(name)),
      });
    };
    const openPinnedAsync: typeof Link.openPinnedAsync = async (paths) => {
      const opened = await Link.openPinnedAsync(paths);
      for (const { link } of opened) watchLink(link);
      return opened;
    };
    Object.assign(addon, {
      BpfObject: { load },
      BpfLink: { openPinned: Link.openPinned.bind(Link), openPinnedAsync },
      setLinkUp: (ifindex: number, up: boolean) => {
        if (!up) see("down", ifindex);
        return setLinkUp(ifindex, up);
      },
    });
  },
  fail: async ({ call, code, times = 1 }: { call: Call; code: string; times?: number }) =>
    void failing.set(call, { code, times }),
  /** What was seen since the last question. */
  seen: async () => seen.splice(0),
  /** A link runs another pinned program. */
  exchange: async ({ link: pin, program }: { link: string; program: string }) => {
    const kinds = native();
    const link = kinds.BpfLink.openPinned(pin);
    link.update(kinds.BpfProgram.openPinned(program));
    link.close();
  },
  /** From now on this kernel is taken for one that has no tcx. */
  async withoutTcx() {
    os.release = () => "6.1.0";
    syncBuiltinESMExports();
    Object.assign(native(), { hasTcx: () => false });
  },
  /** So often from now on the devices cannot be listed. */
  async failList(times: number) {
    const addon = native();
    const { listLinks } = addon;
    let left = times;
    const disturbed: typeof listLinks = () => {
      if (left-- <= 0) return listLinks();
      throw Object.assign(new Error("disturbed on purpose (EINTR)"), { code: "EINTR" });
    };
    Object.assign(addon, { listLinks: disturbed });
  },
  filtersAt: async (ifindex: number) =>
    (["egress", "ingress"] as const).map((direction) =>
      native().queryTc({ ifindex, direction, handle: 0x5257, priority: 1 }),
    ),
};
