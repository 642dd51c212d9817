/**
 * "rules and anti-spoofing hold for the packet inside, at any depth up to two": all that docs/semantics.md says of what
 * a guest may not do, of what always works, of sessions and of fragments, once more behind tags.
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { join, number } from "../support/packet.ts";
import { extensionRows } from "./fragments-extension.ts";
import { malformedRows } from "./fragments-malformed.ts";
import { fragmentRows } from "./fragments-parts.ts";
import { guest } from "./guest.ts";
import type { Play, Sentences } from "./rows.ts";
import { sessions } from "./sessions.ts";
import type { Fields, Setting } from "./setting.ts";
import { matchesExpected, Stage } from "./stage.ts";
import type { Step } from "./steps.ts";

const playsOf = (sentences: Sentences): readonly Play[] =>
  Object.values(sentences)
    .flat()
    .filter((row): row is Play => row.kind === "play");
const ofGuests = playsOf(guest.sentences);
/** Without what the sentences about tags say themselves, and what counts a frame's bytes, tags among them. */
const ofPackets = playsOf(
  Object.fromEntries(
    Object.entries({ ...sessions.sentences, ...fragmentRows, ...extensionRows, ...malformedRows }).filter(
      ([sentence]) => !sentence.startsWith("Of a frame the first 768 bytes"),
    ),
  ),
);

/** Ids of tags, outermost first; 0 is a priority tag. */
type Tags = readonly number[];

/** The same frame behind tags: 802.1ad ones, the innermost 802.1Q. */
function tagFrame(frame: Uint8Array, tags: Tags): Uint8Array {
  const stack = tags.map((id, index) =>
    join(number(index === tags.length - 1 ? 0x8100 : 0x88a8, 2), number((5 << 13) | id, 2)),
  );
  return join(frame.subarray(0, 12), ...stack, frame.subarray(12));
}

function tagStep(step: Step, tags: Tags, expected: (untagged: string) => string, vlans: Tags): Step {
  if (step.kind === "change") return { ...step, setting: listTags(step.setting, vlans) };
  if (step.kind !== "packet") return step;
  return {
    ...step,
    frame: (family) => tagFrame(step.frame(family), tags),
    expect: expected(step.expect),
  };
}

/** Every interface lists these. */
function listTags(setting: Setting, vlans: Tags): Setting {
  if (vlans.length === 0) return setting;
  const list = (fields: Fields = {}): Fields => ({ ...fields, vlans });
  const nics = Object.entries(setting.nics ?? {}).map(([id, fields]) => [id, list(fields)]);
  return {
    ...setting,
    nic: list(setting.nic),
    mate: list(setting.mate),
    nics: Object.fromEntries(nics),
  };
}

/** What only reaches guests is judged by the same program at both hooks. */
const sendsSomething = ({ steps }: Play): boolean =>
  steps.some((step) => step.kind === "packet" && step.direction === "egress");

/** Rows are played side by side: most of a row is the kernel's grace periods. */
const stages: Stage[] = [];
const stagesMax = 4;
beforeAll(async () => {
  for (let count = 0; count < stagesMax; count++) stages.push(await Stage.open());
});
afterAll(() => {
  for (const stage of stages) stage.close();
});

interface Behind {
  readonly tags: Tags;
  readonly hook: "xdp" | "tc";
  /** What every interface lists. */
  readonly vlans: Tags;
  readonly expected?: (untagged: string) => string;
}

/** Plays rows behind tags; what came out otherwise, by claim. */
async function playBehind(plays: readonly Play[], how: Behind) {
  const { tags, hook, vlans, expected = (untagged) => untagged } = how;
  const tagged = plays
    .filter((one) => hook === "xdp" || sendsSomething(one))
    .map((row) => ({
      ...row,
      setting: listTags(row.setting, vlans),
      steps: row.steps.map((step) => tagStep(step, tags, expected, vlans)),
    }));
  const waiting = tagged.flatMap((row) => row.families.map((family) => ({ row, family })));
  const wrong: { claim: string; step: number }[] = [];
  let judged = 0;
  await Promise.all(
    stages.map(async (stage) => {
      for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
        const { row, family } = next;
        const outcome = await stage.play(row, family, hook);
        judged += outcome.filter(({ kernel }) => kernel !== null).length;
        for (const one of outcome)
          if (!matchesExpected(one)) wrong.push({ claim: `${row.claim} (IPv${family})`, ...one });
      }
    }),
  );
  return { judged, wrong };
}

describe.each(["xdp", "tc"] as const)("what a guest may not do, and what always works, at %s", (hook) => {
  it.each([{ tags: [0] }, { tags: [100, 200] }, { tags: [0, 100] }])(
    "holds behind $tags where the interface lists what is a tag of them",
    async ({ tags }) => {
      const vlans = tags.filter((id) => id !== 0);
      const { judged, wrong } = await playBehind(ofGuests, { tags, hook, vlans });
      expect(wrong).toEqual([]);
      expect(judged).toBeGreaterThan(200);
    },
  );

  it("is of no matter behind a tag that the interface does not list: nothing passes", async () => {
    const how = { tags: [100, 200], hook, vlans: [100], expected: () => "drop unsupported" };
    const { judged, wrong } = await playBehind(ofGuests, how);
    expect(wrong).toEqual([]);
    expect(judged).toBeGreaterThan(200);
  });
});

describe.each(["xdp", "tc"] as const)("sessions, errors, fragments and odd headers, at %s", (hook) => {
  it("are behind two tags what they are without", async () => {
    const { judged, wrong } = await playBehind(ofPackets, { tags: [100, 200], hook, vlans: [100, 200] });
    expect(wrong).toEqual([]);
    expect(judged).toBeGreaterThan(500);
  });
});
