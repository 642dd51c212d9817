/** Rules, models and packets near each other's boundaries. */
import fc from "fast-check";
import type { Group, Model, Rule } from "../../../src/model/model.ts";
import {
  address,
  group,
  iface,
  model,
  network,
  prefix,
  prefixList,
  remote,
  rule,
  type TestPacket,
} from "./compile-fixture.ts";

const remotes = [
  "10.0.0.0/30",
  "10.0.0.0/31",
  "10.0.0.2/32",
  "10.0.0.0/8",
  "0.0.0.0/0",
  "128.0.0.0/1",
  "::/0",
  "2001:db8::/32",
  "2001:db8::2/127",
  "fe80::/64",
  "pl-4",
  "pl-6",
  "pl-empty",
  "sg-0",
  "sg-1",
  "sg-2",
  "sg-nobody",
];
const locals = ["10.0.0.1/32", "10.0.0.0/31", "2001:db8::/64", "0.0.0.0/0", "::/0"];
const times = [0, 999, 1000, 1001, 2 ** 32 - 1];
const ports = [0, 1, 22, 23, 80, 443, 65534, 65535];

const oftenNull = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: null, freq: 2 });
const range = fc
  .tuple(fc.constantFrom(...ports.slice(1)), fc.constantFrom(...ports.slice(1)))
  .map(([a, b]) => ({ first: Math.min(a, b), last: Math.max(a, b) }));

const protocolPart: fc.Arbitrary<Partial<Rule>> = fc.oneof(
  fc.constant({}),
  fc.record({
    protocolNumber: fc.constantFrom(6, 17),
    ports: oftenNull(range),
    sourcePorts: oftenNull(range),
  }),
  fc
    .record({
      protocolNumber: fc.constantFrom(1, 58),
      icmpType: fc.constantFrom(null, 0, 8, 255),
      icmpCode: fc.constantFrom(null, 0, 255),
    })
    .map((part) => (part.icmpType === null ? { ...part, icmpCode: null } : part)),
  fc.record({ protocolNumber: fc.constantFrom(0, 47, 50, 255) }),
);

export const arbitraryRule: fc.Arbitrary<Rule> = fc
  .tuple(
    protocolPart,
    fc.record({
      direction: fc.constantFrom("egress", "ingress"),
      policy: fc.constantFrom("accept", "drop"),
      priority: fc.integer({ min: 1, max: 4 }),
      remote: fc.constantFrom(...remotes).map(remote),
      local: fc.option(fc.constantFrom(...locals).map(prefix), { nil: null, freq: 4 }),
      nicType: fc.constantFrom("intranet", "internet"),
      expires: fc.option(fc.constantFrom(0, 1, 1000, 1000.5, 2 ** 33), { nil: null, freq: 3 }),
    }),
  )
  .map(([protocol, rest]) => rule({ ...protocol, ...rest }));

function arbitraryGroup(id: string, place: string): fc.Arbitrary<Group> {
  return fc
    .tuple(
      fc.array(arbitraryRule, { maxLength: 40 }),
      fc.record({
        type: fc.constantFrom("basic", "basic", "advanced"),
        innerAccess: fc.constantFrom("accept", "drop"),
        defaultEgress: fc.constantFrom("accept", "accept", "drop"),
        mode: fc.constantFrom("enforce", "enforce", "observe"),
      }),
    )
    .map(([rules, rest]) => group(id, rules, { ...rest, network: place }));
}

const membership = fc.subarray(["sg-0", "sg-1", "sg-2"], { minLength: 1 });

export const arbitraryModel: fc.Arbitrary<Model> = fc.constantFrom("vpc-a", "classic-b").chain((place) =>
  fc
    .record({
      groups: fc.tuple(...["sg-0", "sg-1", "sg-2"].map((id) => arbitraryGroup(id, place))),
      memberships: fc.tuple(membership, membership, membership, membership),
      internet: fc.boolean(),
    })
    .map(({ groups, memberships: [a, b, c, d], internet }) => {
      const here = { network: place };
      return model({
        networks: [network("vpc-a"), network("classic-b", { type: "classic" }), network("vpc-c")],
        prefixLists: [
          prefixList("pl-4", 4, ["10.0.0.3/32", "192.0.2.0/24", "192.0.2.0/24"]),
          prefixList("pl-6", 6, ["2001:db8::2/128"]),
          prefixList("pl-empty", 4, []),
        ],
        groups: [...groups, group("sg-nobody", [], here), group("sg-far", [], { network: "vpc-c" })],
        interfaces: [
          iface(1, a, ["10.0.0.1", "2001:db8::1"], here),
          iface(2, b, ["10.0.0.2", "2001:db8::2"], { ...here, hosts: ["kvm-2"] }),
          iface(3, c, ["10.0.0.3"], { ...here, nicType: internet ? "internet" : "intranet" }),
          iface(4, d, ["10.0.0.4"], { ...here, nicType: "internet" }),
          // Equal addresses of another network never mix.
          iface(5, ["sg-far"], ["10.0.0.9", "192.0.2.9"], { network: "vpc-c" }),
        ],
      });
    }),
);

const far = ["10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4", "10.0.0.9", "192.0.2.9", "198.51.100.1"]
  .concat(["2001:db8::1", "2001:db8::2", "2001:db9::1", "fe80::ff:fe00:2", "fe80::ff:fe00:3", "fe80::1"])
  .map(address);
const near = ["10.0.0.1", "10.0.0.2", "224.0.0.1"].map(address);
const near6 = ["2001:db8::1", "2001:db8:0:1::1", "ff02::1"].map(address);

export const arbitraryPacket: fc.Arbitrary<TestPacket> = fc
  .record({
    direction: fc.constantFrom("egress", "ingress"),
    remote: fc.constantFrom(...far),
    at: fc.nat(2),
    protocol: fc.constantFrom(6, 6, 17, 1, 58, 0, 47, 50, 254, 255),
    port: fc.constantFrom(...ports),
    sourcePort: fc.constantFrom(...ports),
    icmpType: fc.constantFrom(0, 8, 9, 255),
    icmpCode: fc.constantFrom(0, 1, 255),
    time: fc.constantFrom(...times),
  })
  .map(({ at, ...rest }) => {
    const hasPorts = rest.protocol === 6 || rest.protocol === 17;
    const local = (rest.remote.family === 4 ? near : near6)[at] ?? address("10.0.0.1");
    return { ...rest, local, ...(hasPorts ? {} : { port: 0, sourcePort: 0 }) };
  });
