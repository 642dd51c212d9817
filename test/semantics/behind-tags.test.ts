/**
 * "rules and anti-spoofing hold for the packet inside, at any depth up to two": all that docs/semantics.md says of what
 * a guest may not do, and of what always works, once more behind tags.
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { join, number } from "../support/packet.ts";
import { guest } from "./guest.ts";
import type { Play } from "./rows.ts";
import type { Fields, Setting } from "./setting.ts";
import { matchesExpected, Stage } from "./stage.ts";
import type { Step } from "./steps.ts";

const plays = Object.values(guest.sentences)
  .flat()
  .filter((row): row is Play => row.kind === "play");

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

let stage: Stage;
beforeAll(async () => {
  stage = await Stage.open();
});
afterAll(() => stage?.close());

/** Plays all rows behind tags; what came out otherwise, by claim. */
async function playBehind(
  tags: Tags,
  hook: "xdp" | "tc",
  { vlans, expected }: { vlans: Tags; expected: (untagged: string) => string },
) {
  const wrong: { claim: string; step: number }[] = [];
  let judged = 0;
  for (const row of plays.filter((one) => hook === "xdp" || sendsSomething(one))) {
    const tagged = {
      ...row,
      setting: listTags(row.setting, vlans),
      steps: row.steps.map((step) => tagStep(step, tags, expected, vlans)),
    };
    for (const family of row.families) {
      const outcome = await stage.play(tagged, family, hook);
      judged += outcome.filter(({ kernel }) => kernel !== null).length;
      wrong.push(
        ...outcome
          .filter((one) => !matchesExpected(one))
          .map((one) => ({ claim: `${row.claim} (IPv${family})`, ...one })),
      );
    }
  }
  return { judged, wrong };
}

describe.each(["xdp", "tc"] as const)("what a guest may not do, and what always works, at %s", (hook) => {
  it.each([{ tags: [0] }, { tags: [100, 200] }, { tags: [0, 100] }])(
    "holds behind $tags where the interface lists what is a tag of them",
    async ({ tags }) => {
      const vlans = tags.filter((id) => id !== 0);
      const { judged, wrong } = await playBehind(tags, hook, { vlans, expected: (untagged) => untagged });
      expect(wrong).toEqual([]);
      expect(judged).toBeGreaterThan(200);
    },
    60_000,
  );

  it("is of no matter behind a tag that the interface does not list: nothing passes", async () => {
    const { judged, wrong } = await playBehind([100, 200], hook, {
      vlans: [100],
      expected: () => "drop unsupported",
    });
    expect(wrong).toEqual([]);
    expect(judged).toBeGreaterThan(200);
  }, 60_000);
});
