/** build/bench/results.json: its form, held when it is written and when it is read. */
import { z } from "zod";
import type { Row } from "./row.ts";

const figure = z.number().refine(Number.isFinite);
const lane = z.strictObject({
  value: figure,
  unit: z.string(),
  samples: z.array(figure).min(1),
  spread: figure,
});

export const resultsSchema = z.strictObject({
  machine: z.strictObject({ kernel: z.string(), cpus: z.number(), model: z.string(), memory: z.number() }),
  /** The commit, with `-dirty` where files differ from it. */
  revision: z.string().min(1),
  rows: z.array(
    z
      .strictObject({
        name: z.string().min(1),
        params: z.record(z.string(), z.union([z.string(), z.number()])),
        value: figure,
        unit: z.string(),
        goal: figure.nullable(),
        sense: z.enum(["at most", "at least"]).nullable(),
        met: z.boolean().nullable(),
        samples: z.array(figure).min(1),
        spread: figure,
        peers: z.record(z.string(), lane),
      })
      .refine(
        ({ goal, sense, met }) => (goal === null) === (met === null) && (goal === null) === (sense === null),
        {
          error: "goal, sense and met are there together",
        },
      ),
  ),
});

export interface Results {
  readonly machine: {
    readonly kernel: string;
    readonly cpus: number;
    readonly model: string;
    /** Bytes. */
    readonly memory: number;
  };
  readonly revision: string;
  readonly rows: readonly Row[];
}

/** Throws with the place of what is wrong, or where two rows say the same. */
export function checkResults(value: unknown): Results {
  const results: Results = resultsSchema.parse(value);
  const names = results.rows.map(({ name, params }) => `${name} ${JSON.stringify(params)}`);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) throw new Error(`two rows are ${twice}`);
  return results;
}
