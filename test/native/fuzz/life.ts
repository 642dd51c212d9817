/** Generated lives as commands for the native program, beside the programs that are kept. */
import fc from "fast-check";
import { defaultSettings } from "../../../src/kernel/settings.ts";
import { arbitraryModel, arbitraryPackets } from "../../support/arbitrary.ts";
import { Bench } from "../bench.ts";
import { settings, start } from "./models.ts";

/** Packets between two changes of the model. */
const stretch = 200;

/** A life of generated frames under two models, and the sessions at its end. */
export async function sayLife(number: number): Promise<string> {
  const arbitrary = arbitraryModel(start).chain((model) =>
    fc.record({
      model: fc.constant(model),
      other: arbitraryModel(start).map((other) => ({ ...other, interfaces: model.interfaces })),
      packets: arbitraryPackets(model, { talks: 300 }),
    }),
  );
  const [life] = fc.sample(arbitrary, { seed: 1000 + number, numRuns: 1 });
  if (life === undefined) throw new Error("fast-check sampled nothing");
  const bench = new Bench(start, settings[number % settings.length] ?? defaultSettings, 16_384);
  for (let at = 0, turn = 0; at < life.packets.length; at += stretch, turn ^= 1) {
    await bench.change(turn === 0 ? life.model : life.other);
    for (const packet of life.packets.slice(at, at + stretch)) bench.judge(packet);
  }
  const here = [...life.model.interfaces.values()].filter(({ hosts }) => hosts.length === 0);
  for (const { id } of here) bench.tellSessions(id);
  return bench.script.text;
}
