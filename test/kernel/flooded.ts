/** The guests of flood-model.ts, and who floods one of them: made anew for each test. */
import { afterEach, beforeEach } from "vitest";
import { FloodBed } from "./flood-bed.ts";
import { buildFloodModel } from "./flood-model.ts";
import { FloodSource } from "./flood-source.ts";

export interface Flooded {
  readonly bed: FloodBed;
  readonly source: FloodSource;
}

/** For each test where this is called: `take` gets what was made, which goes when the test is over. */
export function floodEachTest(take: (made: Flooded) => void): void {
  let made: Flooded | undefined;
  beforeEach(async () => {
    const bed = await FloodBed.open(buildFloodModel());
    made = { bed, source: new FloodSource(bed) };
    take(made);
  });
  afterEach(() => {
    made?.source.close();
    made?.bed.close();
    made = undefined;
  });
}
