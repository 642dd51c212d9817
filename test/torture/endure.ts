/** Faults one after the other: what each broke is gathered, so that one run tells of all. */
import { describePoint, type Point } from "./tracer.ts";

/** Of fewer points, all may miss: what a run calls differs a little from the one that was counted. */
const fewest = 10;

export interface Endured {
  /** Whether enough faults met their call to say something. */
  readonly isEnough: boolean;
  readonly broken: readonly string[];
}

/** `suffer` throws what does not hold after a fault, and answers whether the fault met its call. */
export async function endure(
  points: readonly Point[],
  suffer: (point: Point, name: string) => Promise<boolean>,
): Promise<Endured> {
  const broken: string[] = [];
  const missed: string[] = [];
  let hits = 0;
  for (const point of points) {
    const name = describePoint(point);
    try {
      if (await suffer(point, name)) hits++;
      else missed.push(name);
    } catch (error) {
      broken.push(`${name}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  console.log(`${hits} of ${points.length} faults met their call; not: ${missed.join(", ")}`);
  return { isEnough: points.length < fewest || hits > points.length / 4, broken };
}
