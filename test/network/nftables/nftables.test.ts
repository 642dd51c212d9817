/**
 * An independent implementation: the same rule sets as nftables with conntrack, the same real frames through both.
 * Left out, because nftables means something else by them: TCP without a session (`midstream`), address mask and
 * information requests (conntrack makes sessions of them), redirects (`related` there), neighbour discovery.
 */

import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parseAddress } from "../../../src/model/cidr.ts";
import { defaultLimits, type Model } from "../../../src/model/model.ts";
import { parseModel } from "../../../src/model/parse.ts";
import { evaluate, type Verdict } from "../../../src/policy/evaluate.ts";
import { objectPath, withBpffs } from "../../kernel/host.ts";
import { bundleDriver, Driver } from "../../kernel/namespace.ts";
import { toHex } from "../../support/packet.ts";
import { seed } from "../../support/seed.ts";
import { buildFrames, makeFolder, removeFolder } from "../frame-pair.ts";
import { arbitraryRuleSet, type RuleSet } from "./rule-set.ts";
import { arbitraryTalk, type Step, type Talk } from "./talk.ts";
import { Middle } from "./twin.ts";
import { type Fault, faults, writeNft } from "./write-nft.ts";
import { writeYaml } from "./write-yaml.ts";

/** Verdicts to compare at least. */
const wanted = 50_000;
const talksEach = 300;
/** A fault has to be seen within so many rule sets. */
const faultySetsMax = 60;

const folder = makeFolder();
const nft = new Middle("nft");
const ringwall = new Middle("rw");
const bundle = bundleDriver("nftables");

beforeAll(() => {
  const program = buildFrames(folder);
  nft.make(program);
  ringwall.make(program);
});

afterAll(() => {
  nft.remove();
  ringwall.remove();
  bundle.remove();
  removeFolder(folder);
});

function sampleSet(number: number): { set: RuleSet; talks: readonly Talk[] } {
  const arbitrary = fc.tuple(
    arbitraryRuleSet,
    fc.array(arbitraryTalk, { minLength: talksEach, maxLength: talksEach, size: "max" }),
  );
  const [sample] = fc.sample(arbitrary, { seed: seed * 10_000 + number, numRuns: 1 });
  if (sample === undefined) throw new Error("fast-check sampled nothing");
  const fresh = { next: 1 };
  return { set: sample[0], talks: sample[1].map((make) => make(fresh)) };
}

interface Tally {
  compared: number;
  passed: number;
  readonly reached: Map<string, number>;
  readonly differences: string[];
}

const newTally = (): Tally => ({ compared: 0, passed: 0, reached: new Map(), differences: [] });

interface Sent {
  readonly talk: Talk;
  readonly step: Step;
}

/** Every talk's first step, then every second one, and so on, through both. */
async function play(talks: readonly Talk[], text: string, tally: Tally): Promise<Map<Talk, boolean>> {
  const opened = new Map<Talk, boolean>();
  const longest = Math.max(...talks.map(({ steps }) => steps.length));
  for (let turn = 0; turn < longest; turn++) {
    const sent = talks.flatMap((talk): Sent[] => {
      const step = talk.steps[turn];
      return step === undefined || (step.needsFirst && !opened.get(talk)) ? [] : [{ talk, step }];
    });
    const frames = sent.map(({ step }) => step);
    const [theirs, ours] = await Promise.all([nft.pass(frames), ringwall.pass(frames)]);
    for (const [index, { talk, step }] of sent.entries()) {
      const passed = theirs[index] === true;
      if (turn === 0) opened.set(talk, passed);
      tally.compared++;
      if (passed) tally.passed++;
      const what = `${talk.kind} ${talk.family} step ${turn} ${step.direction} ${passed ? "passes" : "is dropped"}`;
      tally.reached.set(what, (tally.reached.get(what) ?? 0) + 1);
      if (theirs[index] !== ours[index] && tally.differences.length < 10)
        tally.differences.push(`nftables: ${what}, here not: ${toHex(step.make(0))}\n${text}`);
    }
  }
  return opened;
}

function parse(text: string): Model {
  const { model, diagnostics } = parseModel([{ path: "set.yaml", text }], {
    limits: defaultLimits,
    host: "here",
  });
  if (model === null) throw new Error(`${JSON.stringify(diagnostics)}\n${text}`);
  return model;
}

function readAddress(text: string) {
  const parsed = parseAddress(text);
  if (!parsed.ok) throw new Error(parsed.problem.message);
  return parsed.value;
}

/** What decided a talk's first frame: which kinds of rules were reached is counted by it. */
function judgeFirst(model: Model, number: number, { first }: Talk): Verdict {
  const question = {
    protocol: first.protocol,
    destinationPort: first.port,
    sourcePort: first.sourcePort,
    icmpType: first.icmpType,
    icmpCode: first.icmpType === null ? null : 0,
    local: readAddress(first.guest),
    remote: readAddress(first.far),
  };
  return evaluate(model, `eni-${number}`, first.direction, question, 0);
}

function countFeatures(model: Model, number: number, talk: Talk, reached: Map<string, number>): void {
  const add = (what: string) => reached.set(what, (reached.get(what) ?? 0) + 1);
  const verdict = judgeFirst(model, number, talk);
  add(verdict.reason);
  const named = verdict.rule;
  const rule = named === null ? undefined : model.groups.get(named.group)?.rules[named.index];
  if (rule === undefined) return;
  add(`rule ${rule.policy}`);
  add(`rule remote ${rule.remote.kind} ${talk.family}`);
  add(`rule protocol ${rule.protocol}`);
  if (rule.ports !== null) add("rule ports");
  if (rule.sourcePorts !== null) add("rule source ports");
  if (rule.icmpType !== null) add("rule ICMP type");
  if (rule.local !== null) add(`rule local ${talk.family}`);
}

/** A rule set is brought into both, and its talks are played. */
async function compare(driver: Driver, number: number, fault: Fault | null, tally: Tally): Promise<void> {
  const { set, talks } = sampleSet(number);
  const text = writeYaml(set, number);
  nft.run("nft", ["-f", "-"], writeNft(set, fault));
  nft.run("conntrack", ["-F"]);
  await driver.call("applyRules", text);
  await play(talks, text, tally);
  const model = parse(text);
  for (const talk of talks) countFeatures(model, number, talk, tally.reached);
}

async function withDriver(body: (driver: Driver) => Promise<void>): Promise<void> {
  await withBpffs(async (root) => {
    const driver = Driver.start(ringwall.namespace, bundle.path);
    try {
      await driver.call("open", { object: objectPath, root, settings: "usual" });
      await body(driver);
      await driver.call("close", { detach: true });
    } finally {
      await driver.kill();
    }
  });
}

const features = [
  ..."rule,inner-access,no-rule,default-egress,default-drop,rule accept,rule drop,rule ports".split(","),
  ..."rule source ports,rule ICMP type,rule local ipv4,rule local ipv6".split(","),
  ...["prefix", "group", "prefix-list"].flatMap((kind) =>
    ["ipv4", "ipv6"].map((family) => `rule remote ${kind} ${family}`),
  ),
  ...["all", "tcp", "udp", "icmp", "icmpv6", "gre", "50", "112"].map((name) => `rule protocol ${name}`),
  ...["ipv4", "ipv6"].flatMap((family) =>
    ["egress", "ingress"].flatMap((direction) => [
      `tcp ${family} step 3 ${direction} passes`,
      `udp ${family} step 1 ${direction} passes`,
      `udp ${family} step 3 ${direction} is dropped`,
      `error ${family} step 1 ${direction} passes`,
      `echo ${family} step 1 ${direction} passes`,
      `others ${family} step 1 ${direction} passes`,
    ]),
  ),
  "error ipv4 step 1 ingress is dropped",
  "error ipv6 step 1 ingress is dropped",
  "echo ipv4 step 2 ingress is dropped",
  "others ipv6 step 0 ingress is dropped",
];

describe("nftables with conntrack, the same rules, the same frames", () => {
  it(`agrees on ${wanted} verdicts, seed ${seed}`, async () => {
    const tally = newTally();
    await withDriver(async (driver) => {
      for (let number = 0; tally.compared < wanted && tally.differences.length === 0; number++)
        await compare(driver, number, null, tally);
    });
    expect(tally.differences).toEqual([]);
    expect(tally.compared).toBeGreaterThanOrEqual(wanted);
    expect(features.filter((feature) => !tally.reached.has(feature))).toEqual([]);
    console.log(`${tally.compared} verdicts of both, ${tally.passed} passed, seed ${seed}`);
  }, 3_600_000);

  it.each(faults)("differs where nftables is told wrongly: %s", async (fault) => {
    const tally = newTally();
    await withDriver(async (driver) => {
      for (let number = 0; number < faultySetsMax && tally.differences.length === 0; number++)
        await compare(driver, number, fault, tally);
    });
    expect(tally.differences.length).toBeGreaterThan(0);
  });
});
