import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { EnforcementError } from "../../src/kernel/errors.ts";
import { CellStruct } from "../../src/kernel/layout.gen.ts";
import { readState } from "../../src/kernel/readback.ts";
import type { Model } from "../../src/model/model.ts";
import { group, iface, model, remote, rule, tcp } from "../unit/policy/compile-fixture.ts";
import { type Alter, EngineBed } from "./engine-bed.ts";
import { tcpFrame } from "./host.ts";

const build = (port: number, member: string): Model =>
  model({
    groups: [
      group("sg-web", [
        tcp(port, port),
        rule({ policy: "drop", remote: remote("203.0.113.0/24") }),
        tcp(22, 22, { remote: remote("sg-ops"), sourcePorts: { first: 1024, last: 65535 } }),
        tcp(9, 9, { expires: 4_000_000_000, local: { family: 4, bits: 0x0a000001n, length: 32 } }),
        rule({ remote: remote("2001:db8::/32"), priority: 9 }),
      ]),
      group("sg-ops", [rule({ direction: "egress", policy: "drop", remote: remote("10.9.0.0/16") })]),
    ],
    interfaces: [
      iface(1, ["sg-web"], ["10.0.0.1", "10.0.0.11", "10.0.0.12", "10.0.0.13", "10.0.0.14"], {
        vlans: [7],
      }),
      iface(2, ["sg-ops"], [member]),
    ],
  });
const old = build(80, "10.0.0.2");
const next = build(81, "10.0.0.3");

const syn = (port: number) =>
  tcpFrame({
    from: "02:00:00:00:00:fe",
    to: "02:00:00:00:00:01",
    source: "198.51.100.7",
    destination: "10.0.0.1",
    sourcePort: 4000,
    port,
    flags: 2,
  });

/** Turns a bit of the first value that is written to a map, once. */
function turnBit(wanted: string, offset: number): Alter {
  let isDone = false;
  return (map, _keys, values) => {
    if (map !== wanted || isDone) return undefined;
    isDone = true;
    values[offset] = (values[offset] ?? 0) ^ 1;
    return values;
  };
}

let bed: EngineBed;
beforeAll(async () => {
  bed = await EngineBed.open();
});
afterAll(() => bed.close());

describe("a change that the kernel does not hold as it was meant", () => {
  it.each([
    ["words", 0, /the policy of sg-web.*mask of accepts has rule 0/s],
    ["cells", CellStruct.SIZE, /the policy of sg-.* service: cell 1 begins at|cell/],
    ["prefixes", 0, /the policy of sg-.*remote/],
    ["groupBits", 12, /the policy of sg-.*groups/],
    ["policies", 40, /rw_policies\[\d+\], the header of the policy of sg-/],
    ["identities", 16, /rw_identities has not identity [0-9a-f]+ for IPv4 a000003/],
    ["interfaces", 40, /rw_interfaces\[\d+\] is not the record/],
    ["owned", 0, /rw_owned differs in entry 0 of rw_interfaces/],
    ["listed", 0, /rw_listed differs in entry 0 of rw_interfaces/],
  ] as const)("is refused where %s differ, and the old one goes on judging", async (map, offset, message) => {
    await bed.apply(old);
    await bed.engine.settle();
    const before = await readState(bed.maps);
    // The record is written again with the new address list only where it changes: let it.
    const changed = map === "interfaces" || map === "owned" || map === "listed" ? moved(next) : next;
    bed.alterWrites(turnBit(map, offset));
    const refusal = await bed.apply(changed).catch((error: unknown) => error);
    bed.alterWrites();
    expect(refusal).toBeInstanceOf(EnforcementError);
    expect(refusal).toMatchObject({ code: "UNPROVEN", message: expect.stringMatching(message) });
    expect(await bed.ask("eni-1", "ingress", syn(80))).toMatchObject({ verdict: "accept", reason: "rule" });
    expect(await bed.ask("eni-1", "ingress", syn(81))).toMatchObject({ verdict: "drop", reason: "no-rule" });
    expect(await readState(bed.maps)).toEqual(before);
    await bed.apply(changed);
    expect(await bed.ask("eni-1", "ingress", syn(80))).toMatchObject({ verdict: "drop", reason: "no-rule" });
    expect(await bed.ask("eni-1", "ingress", syn(81))).toMatchObject({ verdict: "accept", reason: "rule" });
  });
});

/** The same with another VLAN, so that the record is a new one. */
function moved(subject: Model): Model {
  const interfaces = [...subject.interfaces].map(([id, each]) => [id, { ...each, vlans: [8] }] as const);
  return { ...subject, interfaces: new Map(interfaces) };
}
