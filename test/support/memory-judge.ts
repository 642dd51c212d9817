/** Compiled maps in memory as a judge of questions at any interface of a model. */
import { createMatcher, type MatchQuestion } from "../../src/policy/lookup.ts";
import { serviceOf } from "../../src/policy/service.ts";
import type { CompiledPolicy, Resolved } from "../../src/policy/types.ts";
import { type NamedVerdict, nameVerdict } from "./named-verdict.ts";
import type { WorldQuestion } from "./world-questions.ts";

export type MemoryJudge = (interfaceId: string, question: WorldQuestion) => NamedVerdict;

const keyOf = (network: string, { family, bits }: WorldQuestion["remote"]): string =>
  `${network} ${family} ${bits}`;

function lookupOf(question: WorldQuestion, identity: bigint): MatchQuestion {
  const { direction, remote, local, protocol, time } = question;
  const service = serviceOf({
    family: remote.family,
    protocol,
    port: question.destinationPort ?? 0,
    icmpType: question.icmpType ?? 0,
    icmpCode: question.icmpCode ?? 0,
  });
  // The maps are asked in whole seconds.
  return {
    direction,
    remote,
    local,
    identity,
    service,
    sourcePort: question.sourcePort ?? 0,
    time: Math.floor(time),
  };
}

export function createMemoryJudge(
  resolved: Resolved,
  compiled: ReadonlyMap<bigint, CompiledPolicy>,
): MemoryJudge {
  const identities = new Map(
    resolved.addresses.map(({ network, address, identity }) => [keyOf(network, address), identity]),
  );
  const asks = new Map(
    resolved.interfaces.map(({ interface: own, policy: key }) => {
      const policy = compiled.get(key);
      if (policy === undefined) throw new Error(`${own.id} has no policy`);
      return [own.id, { policy, network: own.network, match: createMatcher(policy) }];
    }),
  );
  return (interfaceId, question) => {
    const ask = asks.get(interfaceId);
    if (ask === undefined) throw new Error(`${interfaceId} is not here`);
    const identity = identities.get(keyOf(ask.network, question.remote)) ?? 0n;
    const sides = ask.policy.source.sides;
    return nameVerdict(ask.match(lookupOf(question, identity)), sides[question.direction].rules);
  };
}
