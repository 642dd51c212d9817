/** Link-local addresses that others have, for interfaces whose own rules do not feel that they came. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { defaultSettings } from "../../src/kernel/settings.ts";
import { TestRun } from "../../src/kernel/testrun.ts";
import type { Model } from "../../src/model/model.ts";
import { compileAll } from "../../src/policy/compile.ts";
import { resolve } from "../../src/policy/resolve.ts";
import {
  address as addressOf,
  bed,
  group,
  guest2Mac,
  guestMac,
  model,
  network,
  nic,
} from "../support/bed.ts";
import { ethernet, frame } from "../support/packet.ts";
import { ipv6 } from "../support/packet-ip.ts";
import {
  linkLocal,
  multicastMac,
  neighbourSolicitation,
  solicitedNode,
} from "../support/packet-neighbour.ts";
import { objectPath } from "./host.ts";

const gateway = "fe80::1";
/** A guest alone, and one that comes in a group that no rule of the first one names. */
const [alone] = bed().interfaces.values();
const modelOf = (parts: { readonly isJoined: boolean; readonly gateways: readonly string[] }): Model => {
  if (alone === undefined) throw new Error("the bed is empty");
  const other = nic("eni-9", { mac: guest2Mac, addresses: ["192.0.2.99"], groups: ["sg-other"] });
  return model({
    networks: [network("vpc-a", { gateways: parts.gateways.map(addressOf) })],
    groups: [group("sg-t"), group("sg-other")],
    interfaces: parts.isJoined ? [alone, other] : [alone],
  });
};

let run: TestRun;
beforeAll(async () => {
  const first = resolve(modelOf({ isJoined: false, gateways: [] }), { host: "here" });
  const policies = compileAll(first);
  run = await TestRun.open({ object: objectPath, resolved: first, policies, settings: defaultSettings });
});
afterAll(() => run?.close());

async function change(parts: Parameters<typeof modelOf>[0]): Promise<void> {
  const next = resolve(modelOf(parts), { host: "here" });
  await run.change(next, compileAll(next));
}

/** What becomes of a neighbour solicitation that the first guest sends from an address with its own MAC. */
function ask(source: string): string | undefined {
  const target = "2001:db8:1::1";
  const group = solicitedNode(target);
  const packet = frame(
    ethernet({ source: guestMac, destination: multicastMac(group) }),
    ipv6({ source, destination: group, hopLimit: 255 }),
    neighbourSolicitation(target),
  );
  const [verdict] = run.run({ interface: "eni-1", direction: "egress", packets: [packet] });
  return verdict?.reason;
}

describe("a link-local address from one's own MAC", () => {
  it("is anybody's until another interface of the network has it, whatever the rules name", async () => {
    const generation = run.policyOf("eni-1").generation;
    const theirs = linkLocal(guest2Mac);
    expect(ask(theirs)).toBe("neighbour-discovery");
    await change({ isJoined: true, gateways: [] });
    // Nothing that eni-1 is judged by has changed.
    expect(run.policyOf("eni-1").generation).toBe(generation);
    expect(ask(theirs)).toBe("spoofed-address");
    expect(ask("fe80::77")).toBe("neighbour-discovery");
    await change({ isJoined: false, gateways: [] });
    expect(ask(theirs)).toBe("neighbour-discovery");
  });

  it("is nobody's while it is a gateway's", async () => {
    expect(ask(gateway)).toBe("neighbour-discovery");
    await change({ isJoined: false, gateways: [gateway] });
    expect(ask(gateway)).toBe("spoofed-address");
    await change({ isJoined: false, gateways: [] });
    expect(ask(gateway)).toBe("neighbour-discovery");
  });
});
