/** IPv4 models and packets said again in IPv6: each address stands in the last four bytes of one prefix. */
import type { Address, Model, Prefix, Remote, Rule } from "../../src/model/model.ts";
import { isLinkLocal } from "../../src/policy/oracle/address.ts";
import type { WorldQuestion } from "./world-questions.ts";

/** 2001:db8:4::/96 */
const head = 0x2001_0db8_0004n << 80n;
const headLength = 96;

const icmp = 1;
const icmpv6 = 58;

function twinAddress({ bits }: Address): Address {
  return { family: 6, bits: head | bits };
}

function twinPrefix({ bits, length }: Prefix): Prefix {
  return { family: 6, bits: head | bits, length: headLength + length };
}

function isOfIpv4({ remote, local, protocol }: Rule, model: Model): boolean {
  if (protocol === "icmpv6" || local?.family === 6) return false;
  switch (remote.kind) {
    case "prefix":
      return remote.prefix.family === 4;
    case "prefix-list":
      return model.prefixLists.get(remote.list)?.family === 4;
    case "group":
      return true;
    default:
      return remote satisfies never;
  }
}

/** The IPv4 half of a model: rules and addresses of IPv6 left out. */
export function ipv4Half(model: Model): Model {
  const halve = <T>(list: readonly T[], keep: (one: T) => boolean): T[] => list.filter(keep);
  return {
    ...model,
    groups: new Map(
      [...model.groups].map(([id, one]) => [
        id,
        {
          ...one,
          rules: halve(one.rules, (each) => isOfIpv4(each, model)).map((each, index) => ({ ...each, index })),
        },
      ]),
    ),
    interfaces: new Map(
      [...model.interfaces].map(([id, own]) => [
        id,
        { ...own, addresses: halve(own.addresses, ({ family }) => family === 4), allowedAddressPairs: [] },
      ]),
    ),
  };
}

function twinRemote(remote: Remote): Remote {
  return remote.kind === "prefix" ? { kind: "prefix", prefix: twinPrefix(remote.prefix) } : remote;
}

function twinRule(rule: Rule): Rule {
  const isIcmp = rule.protocol === "icmp";
  return {
    ...rule,
    ...(isIcmp ? { protocol: "icmpv6", protocolNumber: icmpv6 } : {}),
    remote: twinRemote(rule.remote),
    local: rule.local === null ? null : twinPrefix(rule.local),
  };
}

/** Of an IPv4 half. */
export function ipv6Twin(model: Model): Model {
  return {
    ...model,
    prefixLists: new Map(
      [...model.prefixLists].map(([id, list]) => [
        id,
        list.family === 6
          ? list
          : {
              ...list,
              family: 6,
              entries: list.entries.map((one) => ({ ...one, prefix: twinPrefix(one.prefix) })),
            },
      ]),
    ),
    groups: new Map([...model.groups].map(([id, one]) => [id, { ...one, rules: one.rules.map(twinRule) }])),
    interfaces: new Map(
      [...model.interfaces].map(([id, own]) => [id, { ...own, addresses: own.addresses.map(twinAddress) }]),
    ),
  };
}

/** The same packet in IPv6; null for one that is IPv6's already. */
export function twinQuestion(question: WorldQuestion): WorldQuestion | null {
  const { remote, local, protocol } = question;
  if (remote.family === 6 || isLinkLocal(local)) return null;
  const twins = new Map([
    [icmp, icmpv6],
    [icmpv6, icmp],
  ]);
  return {
    ...question,
    remote: twinAddress(remote),
    local: twinAddress(local),
    protocol: twins.get(protocol) ?? protocol,
  };
}
