/**
 * The families of rows, in the order in which they are measured. A family is a function in a file of its own: it
 * throws where what it measured is not what its rows say, and leaves nothing behind. Rows of one name that differ in
 * a number become a picture, with a line for each of their peers.
 */
import { measureChanges } from "./changes.ts";
import type { Bench } from "./context.ts";
import { measureEstablished } from "./established.ts";
import { measureMemory } from "./memory.ts";
import { measureNetwork } from "./network.ts";
import { measureOpenings } from "./openings.ts";
import { measureProofs } from "./proofs.ts";
import { measureAgent } from "./rest.ts";
import type { Row } from "./row.ts";
import { measureStart } from "./start.ts";

export type Family = (bench: Bench) => Promise<Row[]>;

export const families: Readonly<Record<string, Family>> = {
  established: measureEstablished,
  openings: measureOpenings,
  changes: measureChanges,
  proofs: measureProofs,
  memory: measureMemory,
  agent: measureAgent,
  start: measureStart,
  network: measureNetwork,
};
