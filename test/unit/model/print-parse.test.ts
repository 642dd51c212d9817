import { describe, expect, it } from "vitest";
import { formatDiagnostic } from "../../../src/model/diagnostic.ts";
import { defaultLimits, type Model } from "../../../src/model/model.ts";
import { parseModel } from "../../../src/model/parse.ts";
import { printModel } from "../../support/print-model.ts";
import { Random } from "../../support/random.ts";
import { seed } from "../../support/seed.ts";
import { makeWorld, usualWorld } from "../../support/world.ts";

function parse(text: string): Model {
  const { model, diagnostics } = parseModel([{ path: "rules.json", text }], { limits: defaultLimits });
  if (model === null) throw new Error(diagnostics.map(formatDiagnostic).join("\n"));
  return model;
}

/** Where things are written is no part of what they say. */
const without = (value: unknown): unknown =>
  JSON.parse(
    JSON.stringify(value, (key, one: unknown) => {
      if (key === "place") return undefined;
      if (one instanceof Map) return [...one];
      return typeof one === "bigint" ? one.toString() : one;
    }),
  );

describe("a model of every feature", () => {
  it("is the same after it was printed and parsed, and again", () => {
    for (let turn = 0; turn < 3; turn++) {
      const model = makeWorld(new Random(seed + turn), usualWorld);
      const once = parse(printModel(model));
      expect(without(once), `seed ${seed + turn}`).toEqual(without(model));
      expect(without(parse(printModel(once)))).toEqual(without(once));
    }
  });
});
