import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { compileFixture, type Fixture } from "./fixture.ts";
import { Namespace } from "./namespace.ts";

let fixture: Fixture;
let namespace: Namespace;
let near: number;
let far: number;
beforeAll(() => {
  fixture = compileFixture();
  namespace = new Namespace("tc");
  namespace.addPair("near", "far");
  near = namespace.ifindex("near");
  far = namespace.ifindex("far");
});
afterAll(async () => {
  await namespace?.remove();
  fixture.remove();
});

describe("a tcx link", () => {
  it("sees what leaves a device at egress, what comes in at ingress, and nothing once detached", async () => {
    const seen = await namespace.run(
      async ({ addon, sendDatagrams, readCount }, path, near, far) => {
        const object = addon.BpfObject.load({ path, programs: ["fx_tc", "fx_tc_other"] });
        const links = [
          object.program("fx_tc").attachTcx({ ifindex: near, direction: "egress" }),
          object.program("fx_tc_other").attachTcx({ ifindex: far, direction: "ingress" }),
        ];
        const info = links.map((link) => link.info());
        await sendDatagrams("10.9.0.2", 30);
        const counts = [readCount(object, 1), readCount(object, 2)];
        for (const link of links) link.detach();
        const detached = [readCount(object, 1), readCount(object, 2)];
        await sendDatagrams("10.9.0.2", 30);
        const after = [readCount(object, 1), readCount(object, 2)];
        for (const link of links) link.close();
        return { info, counts, detached, after };
      },
      fixture.path,
      near,
      far,
    );
    expect(seen.info.map(({ type, ifindex }) => ({ type, ifindex }))).toEqual([
      { type: 11, ifindex: near },
      { type: 11, ifindex: far },
    ]);
    for (const count of seen.counts) expect(count).toBeGreaterThanOrEqual(30);
    expect(seen.after).toEqual(seen.detached);
  });

  it("changes its program in place and is refused for what is no tc hook", async () => {
    const seen = await namespace.run(
      async ({ addon, sendDatagrams, readCount }, path, near) => {
        const object = addon.BpfObject.load({ path, programs: ["fx_tc", "fx_tc_other", "fx_xdp"] });
        const link = object.program("fx_tc").attachTcx({ ifindex: near, direction: "egress" });
        link.update(object.program("fx_tc_other"));
        await sendDatagrams("10.9.0.2", 5);
        const codes = [
          () => object.program("fx_xdp").attachTcx({ ifindex: near, direction: "egress" }),
          () => object.program("fx_tc").attachTcx({ ifindex: 99_999, direction: "egress" }),
          () => object.program("fx_tc").attachTcx({ ifindex: near, direction: "both" as "egress" }),
        ].map((call) => {
          try {
            call();
            return "none";
          } catch (error) {
            return (error as { code: string }).code;
          }
        });
        link.close();
        return { codes, count: readCount(object, 2) };
      },
      fixture.path,
      near,
    );
    expect(seen.codes).toEqual(["EINVAL", "ENODEV", "EINVAL"]);
    expect(seen.count).toBeGreaterThanOrEqual(5);
  });
});

describe("a clsact filter", () => {
  it("outlives its handles, is replaced in its place, and goes when told", async () => {
    const seen = await namespace.run(
      async ({ addon, sendDatagrams, readCount }, path, ifindex) => {
        const object = addon.BpfObject.load({ path, programs: ["fx_tc", "fx_tc_other"] });
        const place = { ifindex, direction: "egress", handle: 0x52, priority: 100 } as const;
        const [first, second] = [object.program("fx_tc"), object.program("fx_tc_other")];
        const ids = { first: first.id, second: second.id };
        const queries = [addon.queryTc(place)];
        first.attachTc(place);
        first.close();
        queries.push(addon.queryTc(place));
        await sendDatagrams("10.9.0.2", 10);
        second.attachTc(place);
        queries.push(addon.queryTc(place), addon.queryTc({ ...place, direction: "ingress" }));
        await sendDatagrams("10.9.0.2", 10);
        const counts = [readCount(object, 1), readCount(object, 2)];
        const other = addon.detachTc({ ...place, handle: 0x53 });
        const detached = [addon.detachTc(place), addon.detachTc(place)];
        queries.push(addon.queryTc(place));
        return { ids, queries, counts, other, detached };
      },
      fixture.path,
      near,
    );
    const { first, second } = seen.ids;
    expect(seen.queries).toEqual([0, first, second, 0, 0]);
    for (const count of seen.counts) expect(count).toBeGreaterThanOrEqual(10);
    expect(seen.other).toBe(false);
    expect(seen.detached).toEqual([true, false]);
  });

  it("is not there without clsact, and not on a device that does not exist", async () => {
    namespace.ip("link", "add", "bare", "type", "veth", "peer", "name", "barer");
    const seen = await namespace.run(
      ({ addon }, path, bare) => {
        const program = addon.BpfObject.load({ path, programs: ["fx_tc"] }).program("fx_tc");
        const place = { ifindex: bare, direction: "ingress", handle: 1, priority: 1 } as const;
        const codes = [
          () => addon.queryTc({ ...place, ifindex: 99_999 }),
          () => addon.detachTc({ ...place, ifindex: 99_999 }),
          () => program.attachTc({ ...place, ifindex: 99_999 }),
          () => program.attachTc({ ...place, handle: 0 }),
          () => program.attachTc({ ...place, priority: 70_000 }),
        ].map((call) => {
          try {
            call();
            return "none";
          } catch (error) {
            return (error as { code: string }).code;
          }
        });
        return { codes, query: addon.queryTc(place), detached: addon.detachTc(place) };
      },
      fixture.path,
      namespace.ifindex("bare"),
    );
    expect(seen).toEqual({
      codes: ["ENODEV", "ENODEV", "ENODEV", "EINVAL", "EINVAL"],
      query: 0,
      detached: false,
    });
  });
});
