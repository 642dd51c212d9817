/** Rules that use every map, and questions that tell whether they are judged as they say. */
import type { Model } from "../../src/model/model.ts";
import { group, iface, model, remote, rule, tcp } from "../unit/policy/compile-fixture.ts";
import type { EngineBed } from "./engine-bed.ts";
import { tcpFrame } from "./host.ts";

export const subject: Model = model({
  groups: [
    group("sg-web", [
      tcp(80, 80),
      rule({ policy: "drop", remote: remote("203.0.113.0/24") }),
      tcp(22, 22, { remote: remote("sg-ops"), sourcePorts: { first: 1024, last: 65535 } }),
      tcp(9, 9, { expires: 4_000_000_000, local: { family: 4, bits: 0x0a000001n, length: 32 } }),
      rule({ remote: remote("2001:db8::/32"), priority: 9 }),
    ]),
    group("sg-ops", [rule({ direction: "egress", policy: "drop", remote: remote("10.9.0.0/16") })]),
  ],
  interfaces: [
    iface(1, ["sg-web"], ["10.0.0.1", "10.0.0.11", "10.0.0.12", "10.0.0.13", "10.0.0.14"], { vlans: [7] }),
    iface(2, ["sg-ops"], ["10.0.0.2"]),
    iface(3, ["sg-web"], ["10.0.0.3"]),
  ],
});

/** ifindex -> interface. */
export const ifindexes: ReadonlyMap<number, string> = new Map([
  [71, "eni-1"],
  [72, "eni-2"],
]);

const questions = [
  ["198.51.100.7", 80],
  ["198.51.100.7", 81],
  ["203.0.113.9", 80],
  ["10.0.0.2", 22],
  ["198.51.100.7", 22],
  ["198.51.100.7", 9],
] as const;

/** What the programs say of packets to eni-1. */
export function asked(bed: EngineBed): Promise<unknown[]> {
  const ask = async (source: string, port: number) => {
    const frame = {
      from: "02:00:00:00:00:fe",
      to: "02:00:00:00:00:01",
      destination: "10.0.0.1",
      sourcePort: 4000,
      flags: 2,
    };
    const {
      verdict,
      reason,
      rule: number,
    } = await bed.ask("eni-1", "ingress", tcpFrame({ ...frame, source, port }));
    return [verdict, reason, number];
  };
  return questions.reduce<Promise<unknown[]>>(
    async (answers, [source, port]) => [...(await answers), await ask(source, port)],
    Promise.resolve([]),
  );
}
