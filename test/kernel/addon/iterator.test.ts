import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { native } from "../../../src/kernel/native.ts";
import { compileFixture, type Fixture, failureOf } from "./fixture.ts";
import { type Context, Namespace } from "./namespace.ts";

const links = fileURLToPath(new URL("../../../build/links.bpf.o", import.meta.url));

let fixture: Fixture;
let namespace: Namespace;
let device: number;
beforeAll(() => {
  fixture = compileFixture();
  namespace = new Namespace("iterator");
  namespace.addPair("near", "far");
  device = namespace.ifindex("far");
});
afterAll(async () => {
  await namespace?.remove();
  fixture.remove();
});

describe("the iterator over links on devices", () => {
  it("tells each XDP link's program and device, also when they become others", async () => {
    const { told, id, programs } = await namespace.run(
      ({ addon }, links, path, ifindex) => {
        const iterator = addon.BpfObject.load({ path: links }).program("list_links");
        const object = addon.BpfObject.load({ path, programs: ["fx_xdp", "fx_xdp_other"] });
        const [first, second] = [object.program("fx_xdp"), object.program("fx_xdp_other")];
        const link = first.attachXdp({ ifindex, mode: "native" });
        const { id } = link.info();
        const tell = () => {
          const bytes = iterator.iterate();
          const words = new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
          const at = [...words.keys()].find((place) => place % 5 === 0 && words[place] === id);
          return at === undefined ? [] : [...words.subarray(at, at + 5)];
        };
        const told = [tell(), tell()];
        link.update(second);
        told.push(tell());
        link.detach();
        told.push(tell());
        link.close();
        told.push(tell());
        return { told, id, programs: [first.id, second.id] };
      },
      links,
      fixture.path,
      device,
    );
    const [first, second] = programs;
    expect(told).toEqual([
      [id, first, device, 0, 0],
      [id, first, device, 0, 0],
      [id, second, device, 0, 0],
      [],
      [],
    ]);
  });

  it("tells which program is first at the tcx hooks of a link's device", async () => {
    const found = await namespace.run(
      ({ addon }, links, path, ifindex) => {
        const iterator = addon.BpfObject.load({ path: links }).program("list_links");
        const object = addon.BpfObject.load({ path, programs: ["fx_tc", "fx_tc_other"] });
        const [ours, other] = [object.program("fx_tc"), object.program("fx_tc_other")];
        const attach = (program: typeof ours, direction: "ingress" | "egress") => {
          try {
            return program.attachTcx({ ifindex, direction, first: true });
          } catch {
            // Before 6.6 there is no tcx.
            return null;
          }
        };
        const link = attach(ours, "ingress");
        if (link === null) return null;
        const { id } = link.info();
        const tell = () => {
          const bytes = iterator.iterate();
          const words = new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
          const at = [...words.keys()].find((place) => place % 5 === 0 && words[place] === id);
          return at === undefined ? [] : [...words.subarray(at + 2, at + 5)];
        };
        const told = [tell()];
        const links_ = [attach(other, "egress"), attach(other, "ingress")];
        told.push(tell());
        for (const each of links_) each?.close();
        told.push(tell());
        link.close();
        return { told, ours: ours.id, other: other.id };
      },
      links,
      fixture.path,
      device,
    );
    if (found === null) return;
    const { told, ours, other } = found;
    expect(told).toEqual([
      [device, ours, 0],
      [device, other, other],
      [device, ours, 0],
    ]);
  });

  it("tells of no links on devices of other network namespaces", async () => {
    const other = new Namespace("iterator-other");
    try {
      const id = await other.run(({ addon, state }, path) => {
        const program = addon.BpfObject.load({ path, programs: ["fx_xdp"] }).program("fx_xdp");
        const link = program.attachXdp({ ifindex: 1, mode: "generic" });
        state.links.push(link);
        return link.info().id;
      }, fixture.path);
      const tell = ({ addon }: Context, links: string) => {
        const bytes = addon.BpfObject.load({ path: links }).program("list_links").iterate();
        return [...new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4)];
      };
      const idsOf = (words: readonly number[]) => words.filter((_, place) => place % 5 === 0);
      expect(idsOf(await other.run(tell, links))).toEqual([id]);
      expect(idsOf(await namespace.run(tell, links))).not.toContain(id);
    } finally {
      await other.remove();
    }
  });

  it("tells of as many links as a hook takes", async () => {
    const { told, made } = await namespace.run(
      ({ addon }, links, path) => {
        const iterator = addon.BpfObject.load({ path: links }).program("list_links");
        const program = addon.BpfObject.load({ path, programs: ["fx_tc"] }).program("fx_tc");
        const made: number[] = [];
        const opened = [];
        try {
          for (let turn = 0; turn < 63; turn++) {
            const link = program.attachTcx({ ifindex: 1, direction: "ingress" });
            opened.push(link);
            made.push(link.info().id);
          }
        } catch {
          // Before 6.6.
        }
        const bytes = iterator.iterate();
        const words = new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
        const told = [...words].filter((id, place) => place % 5 === 0 && made.includes(id));
        for (const link of opened) link.close();
        return { told, made };
      },
      links,
      fixture.path,
    );
    expect(told).toEqual(made);
  });
});

it("a program that is no iterator cannot be read as one", async () => {
  const object = native().BpfObject.load({ path: fixture.path, programs: ["fx_xdp"] });
  const failure = await failureOf(() => object.program("fx_xdp").iterate());
  expect(failure.code).toBe("EINVAL");
  object.close();
});
