import { expect, it } from "vitest";
import { Queue } from "../../../src/kernel/queue.ts";
import { inParts } from "../../../src/kernel/slices.ts";

it("work in parts is whole and in order, and lets go first what was told before a part", async () => {
  const queue = new Queue();
  const done: (readonly number[] | "attach")[] = [];
  const attach = async () => void done.push("attach");
  await inParts([1, 2, 3, 4, 5], 2, (part) =>
    queue.run(async () => {
      done.push(part);
      if (part.includes(2)) setImmediate(() => void queue.runOnce(attach));
    }),
  );
  expect(done).toEqual([[1, 2], "attach", [3, 4], [5]]);
});
