/** The interfaces of a world that this host judges, with what questions to them are made of. */
import type { Address, Interface, Model } from "../../src/model/model.ts";
import { madeLinkLocal } from "../../src/policy/oracle/address.ts";
import { groupsOf } from "../../src/policy/rules.ts";
import { address } from "./bed.ts";
import type { Target } from "./world-questions.ts";

const strangers = ["10.0.0.1", "10.0.9.12", "198.51.100.7", "224.0.0.251", "255.255.255.255"]
  .concat(["2001:db8:9:c::5", "2001:db8:ffff::7", "fe80::1", "ff02::fb", "fe80::42"])
  .map(address);

function addressesOf(own: Interface): readonly Address[] {
  return [...own.addresses, madeLinkLocal(own.mac)];
}

/** Members of a network, by group; and all far ends of it. */
interface Neighbourhood {
  readonly members: Map<string, Address[]>;
  readonly far: Record<4 | 6, Address[]>;
}

function walkNetworks(model: Model): ReadonlyMap<string, Neighbourhood> {
  const networks = new Map<string, Neighbourhood>();
  for (const own of model.interfaces.values()) {
    const near = networks.get(own.network) ?? {
      members: new Map<string, Address[]>(),
      far: {
        4: strangers.filter(({ family }) => family === 4),
        6: strangers.filter(({ family }) => family === 6),
      },
    };
    networks.set(own.network, near);
    for (const one of addressesOf(own)) {
      near.far[one.family].push(one);
      for (const id of own.groups) near.members.set(id, [...(near.members.get(id) ?? []), one]);
    }
  }
  return networks;
}

/** This host's interfaces whose groups have a rule. */
export function targetsOf(model: Model): readonly Target[] {
  const networks = walkNetworks(model);
  return [...model.interfaces.values()].flatMap((own) => {
    const near = networks.get(own.network);
    const rules = groupsOf(model, own).flatMap((group) => group.rules.map((rule) => ({ group, rule })));
    return near === undefined || own.hosts.length > 0 || rules.length === 0
      ? []
      : [{ own, rules, model, ...near }];
  });
}
