import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Retry } from "../../../src/agent/retry.ts";

beforeEach(() => {
  vi.useFakeTimers();
  vi.setSystemTime(0);
});
afterEach(() => {
  vi.useRealTimers();
});

const seconds = () => Date.now() / 1000;

describe("what fails for a reason that may pass", () => {
  it("is tried again after a second, ever more rarely, at least once a minute", async () => {
    const tries: number[] = [];
    const told: (number | null)[] = [];
    const retry = new Retry({
      attempt: async () => {
        tries.push(seconds());
        if (tries.length < 10) throw new Error("ENOMEM");
      },
      mayPass: () => true,
      onFailure: (_, again) => told.push(again === null ? null : again.getTime() / 1000),
    });
    await retry.now();
    await vi.advanceTimersByTimeAsync(600_000);
    expect(tries).toEqual([0, 1, 3, 7, 15, 31, 63, 123, 183, 243]);
    expect(told).toEqual(tries.slice(1));
    expect(retry.again).toBeNull();
  });

  it("is left where the reason stays", async () => {
    const retry = failing(() => false);
    await retry.now();
    await vi.advanceTimersByTimeAsync(600_000);
    expect(retry.tries).toBe(1);
    expect(retry.again).toBeNull();
  });

  it("begins anew when somebody asks, and is forgotten when it is settled", async () => {
    const retry = failing(() => true);
    await retry.now();
    await vi.advanceTimersByTimeAsync(20_000);
    const before = retry.tries;
    await retry.now();
    await vi.advanceTimersByTimeAsync(1000);
    expect(retry.tries).toBe(before + 2);
    expect(retry.again).not.toBeNull();
    retry.settle();
    await vi.advanceTimersByTimeAsync(600_000);
    expect(retry.tries).toBe(before + 2);
    expect(retry.again).toBeNull();
  });

  it("means nothing any more once somebody asked again", async () => {
    const ends: ((error: Error) => void)[] = [];
    const retry = new Retry({
      attempt: () => new Promise((_, fail) => ends.push(fail)),
      mayPass: () => true,
      onFailure: () => undefined,
    });
    const [first, second] = [retry.now(), retry.now()];
    ends[1]?.(new Error("second"));
    await second;
    const again = retry.again;
    vi.setSystemTime(500);
    ends[0]?.(new Error("first"));
    await first;
    expect(retry.again).toBe(again);
    await vi.advanceTimersByTimeAsync(1000);
    expect(ends).toHaveLength(3);
  });

  it("goes on to be asked for when what was tried before is settled", async () => {
    const ends: ((error: Error) => void)[] = [];
    const retry = new Retry({
      attempt: () => new Promise((_, fail) => ends.push(fail)),
      mayPass: () => true,
      onFailure: () => undefined,
    });
    const asked = retry.now();
    retry.settle();
    ends[0]?.(new Error("ENOMEM"));
    await asked;
    expect(retry.again).not.toBeNull();
  });
});

function failing(mayPass: () => boolean): Retry & { tries: number } {
  const counted = { tries: 0 };
  const retry = new Retry({
    attempt: async () => {
      counted.tries++;
      throw new Error("ENOMEM");
    },
    mayPass,
    onFailure: () => undefined,
  });
  return Object.defineProperty(retry, "tries", { get: () => counted.tries }) as Retry & { tries: number };
}
