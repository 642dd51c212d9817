/** Attachment on a kernel that has no tcx, as an agent takes this one for, and by an agent that has it again. */
import { Attachments } from "../../src/kernel/attach.ts";
import { Marks } from "../../src/kernel/marks.ts";
import { native } from "../../src/kernel/native.ts";
import { collectPrograms, type Programs } from "../../src/kernel/objects.ts";
import { Pins } from "../../src/kernel/pins.ts";
import { smallMaps } from "./sizes.ts";

function load(object: string): { readonly programs: Programs; readonly marks: Marks } {
  const loaded = native().BpfObject.load({ path: object, maxEntries: smallMaps });
  const programs = collectPrograms(loaded.programNames, (name) => loaded.program(name));
  return { programs, marks: new Marks(loaded.map("rw_marks")) };
}

function filtersOf(ifindex: number): readonly number[] {
  return (["egress", "ingress"] as const).map((direction) =>
    native().queryTc({ ifindex, direction, handle: 0x5257, priority: 1 }),
  );
}

/** Attach, adopt by another agent, bring in other programs, have tcx again, detach: the filters after each. */
export async function runClsact(object: string, root: string, device: string) {
  native().mountBpffs(root);
  const link = native()
    .listLinks()
    .find(({ name }) => name === device);
  if (link === undefined) throw new Error(`no device ${device}`);
  const { programs: first, marks } = load(object);
  const attachments = new Attachments(new Pins(root), first, marks, false);
  const result = attachments.attachGuest(link, "tc");
  const attached = filtersOf(link.ifindex);
  attachments.placed.close();

  const { programs: second, marks: others } = load(object);
  const next = new Attachments(new Pins(root), second, others, false);
  await next.adopt();
  next.adoptFilters([link.ifindex]);
  const adopted = next.placed.isComplete(link.ifindex);
  next.updatePrograms(second);
  const updated = filtersOf(link.ifindex);
  next.placed.close();

  const { programs: third, marks: last } = load(object);
  const newest = new Attachments(new Pins(root), third, last, true);
  await newest.adopt();
  newest.adoptFilters([link.ifindex]);
  newest.updatePrograms(third);
  const exchanged = filtersOf(link.ifindex);
  const links = (["egress", "ingress"] as const).flatMap((direction) =>
    native().queryTcx({ ifindex: link.ifindex, direction }),
  );
  const isComplete = newest.placed.isComplete(link.ifindex);
  newest.detach(link.ifindex);
  const ids = (programs: Programs) => [programs.guest_tc_egress.id, programs.guest_tc_ingress.id];
  return {
    result,
    attached,
    first: ids(first),
    adopted,
    updated,
    second: ids(second),
    exchanged,
    links,
    isComplete,
    third: ids(third),
    detached: filtersOf(link.ifindex),
  };
}
