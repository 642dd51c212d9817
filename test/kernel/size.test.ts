/** What each program costs to load, and how large it is: a guard that no clock changes. */
import { expect, it } from "vitest";
import { native } from "../../src/kernel/native.ts";
import { sizesFor } from "../../src/kernel/object-maps.ts";
import { objectPath } from "./host.ts";
import { jitedMost, verifiedMost } from "./sizes.ts";

it("each program is verified in a tenth of what the verifier walks, and small enough for the caches", () => {
  const object = native().BpfObject.load({ path: objectPath, maxEntries: sizesFor(1) });
  try {
    const programs = object.programNames.map((name) => object.program(name));
    try {
      expect(programs.length).toBeGreaterThanOrEqual(7);
      const sizes = programs.map(({ name, verifiedInstructions, jitedSize }) => ({
        name,
        verifiedInstructions,
        jitedSize,
      }));
      console.log(sizes.map((size) => Object.values(size).join(" ")).join("\n"));
      const large = sizes.filter(
        (size) => size.verifiedInstructions > verifiedMost || size.jitedSize > jitedMost,
      );
      expect(large).toEqual([]);
    } finally {
      for (const program of programs) program.close();
    }
  } finally {
    object.close();
  }
});
