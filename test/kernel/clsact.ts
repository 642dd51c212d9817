/** Attachment on a kernel that has no tcx, played by programs that refuse it. */
import { Attachments } from "../../src/kernel/attach.ts";
import { Marks } from "../../src/kernel/marks.ts";
import { type BpfProgram, native } from "../../src/kernel/native.ts";
import { collectPrograms, type Programs } from "../../src/kernel/objects.ts";
import { Pins } from "../../src/kernel/pins.ts";

/** The same program, on a kernel before 6.6. */
function withoutTcx(program: BpfProgram): BpfProgram {
  return new Proxy(program, {
    get(target, name) {
      if (name === "attachTcx") {
        return () => {
          throw Object.assign(new Error("no tcx"), { code: "EINVAL" });
        };
      }
      const value: unknown = Reflect.get(target, name);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

function load(object: string): { readonly programs: Programs; readonly marks: Marks } {
  const loaded = native().BpfObject.load({ path: object });
  const programs = collectPrograms(loaded.programNames, (name) => withoutTcx(loaded.program(name)));
  return { programs, marks: new Marks(loaded.map("rw_marks")) };
}

function filtersOf(ifindex: number): readonly number[] {
  return (["egress", "ingress"] as const).map((direction) =>
    native().queryTc({ ifindex, direction, handle: 0x5257, priority: 1 }),
  );
}

/** Attach, adopt by another agent, bring in other programs, detach: the filters after each. */
export async function runClsact(object: string, root: string, device: string) {
  native().mountBpffs(root);
  const link = native()
    .listLinks()
    .find(({ name }) => name === device);
  if (link === undefined) throw new Error(`no device ${device}`);
  const { programs: first, marks } = load(object);
  const attachments = new Attachments(new Pins(root), first, marks);
  const result = attachments.attachGuest(link, "tc");
  const attached = filtersOf(link.ifindex);
  attachments.placed.close();

  const { programs: second, marks: others } = load(object);
  const next = new Attachments(new Pins(root), second, others);
  await next.adopt();
  next.adoptFilters([link.ifindex]);
  const adopted = next.placed.isComplete(link.ifindex);
  next.updatePrograms(second);
  const updated = filtersOf(link.ifindex);
  next.detach(link.ifindex);
  const ids = (programs: Programs) => [programs.guest_tc_egress.id, programs.guest_tc_ingress.id];
  return {
    result,
    attached,
    first: ids(first),
    adopted,
    updated,
    second: ids(second),
    detached: filtersOf(link.ifindex),
  };
}
