/** Models before and after a change: hosts of many guests under the rules that clouds give them. */
import type { Group, Interface, Model, Rule } from "../../src/model/model.ts";
import { group, iface, model, remote, tcp } from "../unit/policy/compile-fixture.ts";

const here = (number: number, groups: readonly string[]): Interface =>
  iface(number, groups, [`10.${number >> 8}.${number & 255}.1`]);
const elsewhere = (number: number, groups: readonly string[]): Interface =>
  iface(number, groups, [`10.${number >> 8}.${number & 255}.1`], { hosts: ["elsewhere"] });

/** Prefixes, groups and ranges of ports, both directions; `salt` tells the rules of one group from another's. */
export function buildRules(count: number, salt: number, peers: readonly string[]): Rule[] {
  return Array.from({ length: count }, (_, index) => {
    const direction = index % 4 === 3 ? "egress" : "ingress";
    const priority = 1 + (index % 100);
    const policy = index % 9 === 5 ? "drop" : "accept";
    const port = 1000 + ((index * 7 + salt) % 60_000);
    const peer = peers[index % Math.max(1, peers.length)];
    if (index % 4 === 1 && peer !== undefined)
      return tcp(port, port, { direction, priority, policy, remote: remote(peer) });
    const near = remote(`172.${16 + (index % 16)}.${(index + salt) % 250}.0/24`);
    return tcp(port, port + (index % 3) * 10, { direction, priority, policy, remote: near });
  });
}

/** A group of `members`, half of them on this host, with 200 rules; `port` is one of its rules' alone. */
export function buildLargeGroup(members: number, port: number): Model {
  const changed = tcp(port, port, { remote: remote("192.0.2.0/24") });
  const large = group("sg-large", [...buildRules(199, 0, ["sg-peers"]), changed]);
  const interfaces = Array.from({ length: members }, (_, index) =>
    index < members / 2 ? here(index + 1, ["sg-large"]) : elsewhere(index + 1, ["sg-large"]),
  );
  const peers = Array.from({ length: 20 }, (_, index) => elsewhere(10_000 + index, ["sg-peers"]));
  return model({ groups: [large, group("sg-peers")], interfaces: [...interfaces, ...peers] });
}

/** `interfaces` of this host, each under 200 rules; as many different sets of them as `policies`. */
export function buildHost(interfaces: number, policies: number, rules = 200): Model {
  const names = Array.from({ length: policies }, (_, index) => `sg-${index}`);
  const groups: Group[] = names.map((name, index) =>
    group(name, buildRules(rules, index * 13, [names[(index + 1) % policies] ?? name])),
  );
  const guests = Array.from({ length: interfaces }, (_, index) =>
    here(index + 1, [names[index % policies] ?? ""]),
  );
  return model({ groups, interfaces: guests });
}

/** `rules` rules, one in each of as many groups, name sg-named; `members` of it are on other hosts. */
export function buildNamed(
  rules: number,
  interfaces: number,
  members: readonly (readonly string[])[],
): Model {
  const groups = Array.from({ length: rules }, (_, index) =>
    group(`sg-${index}`, [
      ...buildRules(20, index, []),
      tcp(443, 443, { priority: 1, remote: remote("sg-named") }),
    ]),
  );
  const guests = Array.from({ length: interfaces }, (_, index) => here(index + 1, [`sg-${index % rules}`]));
  const named = members.map((sets, index) => elsewhere(20_000 + index, sets));
  return model({
    groups: [...groups, group("sg-named"), group("sg-other")],
    interfaces: [...guests, ...named],
  });
}
