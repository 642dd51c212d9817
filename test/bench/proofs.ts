/** The rows of proofs: a policy read back and proven, and a look at everything of a whole host. */
import { proveHeld } from "../../src/kernel/proof.ts";
import { readPolicy } from "../../src/kernel/read-policy.ts";
import type { Model, Rule } from "../../src/model/model.ts";
import { resolve } from "../../src/policy/resolve.ts";
import { EngineBed } from "../kernel/engine-bed.ts";
import { group, iface, model, prefix, remote, rule, tcp } from "../unit/policy/compile-fixture.ts";
import { type Bench, timeOf } from "./context.ts";
import { makeRow, type Row } from "./row.ts";

/** Goals of a proof before a change takes effect, ms. */
const goals = { 200: 1, 1000: 50 } as const;
/** A look at everything answers within a second of the command, ms. */
const lookGoal = 1000;
const within = (value: number) => ({ unit: "ms", goal: { sense: "at most", value } }) as const;

/** Rules of every kind: prefixes of both families, groups, source ports, local prefixes, times, ICMP types. */
function buildRules(count: number): readonly Rule[] {
  return Array.from({ length: count }, (_, index) => {
    const policy = index % 5 === 0 ? "drop" : "accept";
    const common = { policy, priority: 1 + (index % 100) } as const;
    const near = remote(`10.${index % 250}.${Math.floor(index / 250)}.0/24`);
    const port = 1000 + index;
    switch (index % 10) {
      case 0:
        return tcp(port, port + 20, { ...common, remote: remote(`2001:db8:${index.toString(16)}::/48`) });
      case 1:
        return tcp(port, port, { ...common, remote: remote("sg-other") });
      case 2:
        return tcp(port, port, {
          ...common,
          remote: near,
          sourcePorts: { first: 1024, last: 65535 - index },
        });
      case 3:
        return rule({
          ...common,
          remote: near,
          local: prefix("10.0.0.1/32"),
          expires: 4_000_000_000 + index,
        });
      case 4:
        return rule({ ...common, protocol: "icmp", protocolNumber: 1, icmpType: index % 40, remote: near });
      default:
        return tcp(port, port + 5, { ...common, remote: near });
    }
  });
}

function buildPolicy(count: number): Model {
  const interfaces = [iface(1, ["sg-rules"], ["10.0.0.1"]), iface(2, ["sg-other"], ["10.0.0.2"])];
  return model({ groups: [group("sg-rules", buildRules(count)), group("sg-other")], interfaces });
}

/** Each interface has a group, and so a policy, of its own. */
function buildHost(count: number): Model {
  const numbers = Array.from({ length: count }, (_, index) => index);
  return model({
    groups: [...numbers.map((index) => group(`sg-${index}`, buildRules(20))), group("sg-other")],
    interfaces: numbers.map((index) =>
      iface(index + 1, [`sg-${index}`], [`10.${200 + (index >> 8)}.${index & 255}.1`]),
    ),
  });
}

async function measurePolicy(rules: keyof typeof goals, samples: number): Promise<Row> {
  const bed = await EngineBed.open(16, {});
  try {
    const rulesModel = buildPolicy(rules);
    await bed.apply(rulesModel);
    const resolved = resolve(rulesModel, { host: "here" });
    const source = resolved.policies.get(resolved.interfaces[0]?.policy ?? 0n);
    const found = [...bed.engine.known.policies].find(([, { header }]) => header.key === source?.key);
    if (source === undefined || found === undefined) throw new Error("eni-1 has no policy");
    const [version, stored] = found;
    const prove = () => {
      const problem = proveHeld(source, resolved.identities, readPolicy(bed.maps, version, stored));
      if (problem !== null) throw new Error(problem);
    };
    const times: number[] = [];
    // The first ones are the compiler's of JavaScript.
    for (let warm = 0; warm < 2 * samples; warm++) prove();
    for (let sample = 0; sample < samples; sample++) times.push(await timeOf(prove));
    return makeRow("policy proven on read-back", { rules }, times, within(goals[rules]));
  } finally {
    bed.close();
  }
}

async function measureHost(interfaces: number, samples: number): Promise<Row> {
  const bed = await EngineBed.open(interfaces, {});
  try {
    await bed.apply(buildHost(interfaces));
    const times: number[] = [];
    for (let sample = 0; sample < samples; sample++) {
      times.push(
        await timeOf(async () => {
          const { policies, differences } = await bed.verify();
          if (policies !== interfaces || differences.length > 0) throw new Error("not all of it was proven");
        }),
      );
    }
    return makeRow("everything of a host verified", { interfaces }, times, within(lookGoal));
  } finally {
    bed.close();
  }
}

/** Throws where something is not proven: a figure of something else is worse than none. */
export async function measureProofs({ effort }: Bench): Promise<Row[]> {
  const rows = [await measurePolicy(200, 5 * effort.rounds)];
  if (effort.rules >= 1000) rows.push(await measurePolicy(1000, effort.rounds));
  rows.push(await measureHost(effort.interfaces, effort.rounds));
  return rows;
}
