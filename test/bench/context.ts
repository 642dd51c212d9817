/** What every family of rows is given: how much to do, how lanes take turns, where to say how far it is. */

/** How much is measured. `make bench` takes full(), the test of the bench itself the least that measures at all. */
export interface Effort {
  /** Rounds of all lanes in turn: as many samples has a figure. */
  readonly rounds: number;
  /** Runs of one sample of a program, in the kernel's loop. */
  readonly repeat: number;
  /** Largest table of sessions, most rules, most interfaces; a family leaves out what is beyond. */
  readonly sessions: number;
  readonly rules: number;
  readonly interfaces: number;
  /** Length of a sample that traffic or time is watched for, ms. */
  readonly window: number;
}

export const fullEffort: Effort = {
  rounds: 7,
  repeat: 200_000,
  sessions: 1_000_000,
  rules: 4000,
  interfaces: 1000,
  window: 400,
};

export const leastEffort: Effort = {
  rounds: 1,
  repeat: 500,
  sessions: 1000,
  rules: 10,
  interfaces: 20,
  // On a busy machine nothing at all may come through in less.
  window: 200,
};

export interface Objects {
  /** As it is shipped. */
  readonly ringwall: string;
  /** The same programs behind what makes every packet another one (varied.bpf.c), and the floor behind the like. */
  readonly varied: string;
  readonly floor: string;
}

export interface Bench {
  readonly effort: Effort;
  readonly objects: Objects;
  /** One line for whoever waits. */
  readonly progress: (text: string) => void;
  /**
   * Runs every lane once a round, `rounds` rounds (default: of the effort), one after the other, each round beginning
   * with another lane; so a machine that grows slower meanwhile is no lane's fault. Each gives one sample.
   */
  readonly interleave: <Name extends string>(
    lanes: Readonly<Record<Name, () => number | Promise<number>>>,
    rounds?: number,
  ) => Promise<Record<Name, number[]>>;
}

export function createBench(objects: Objects, effort: Effort, progress: (text: string) => void): Bench {
  return {
    effort,
    objects,
    progress,
    interleave: async (lanes, rounds = effort.rounds) => {
      const names = Object.keys(lanes) as (keyof typeof lanes)[];
      const samples = Object.fromEntries(names.map((name) => [name, [] as number[]])) as Record<
        keyof typeof lanes,
        number[]
      >;
      for (let round = 0; round < rounds; round++)
        for (const place of names.keys()) {
          const name = names[(place + round) % names.length];
          if (name !== undefined) samples[name].push(await lanes[name]());
        }
      return samples;
    },
  };
}

/** Milliseconds that `work` takes. */
export async function timeOf(work: () => unknown): Promise<number> {
  const begin = performance.now();
  await work();
  return performance.now() - begin;
}
