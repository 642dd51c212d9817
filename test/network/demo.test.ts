import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";

const root = fileURLToPath(new URL("../..", import.meta.url));

it("the demo observes what it expects, explains a refusal and leaves nothing behind", () => {
  const namespaces = () => spawnSync("ip", ["netns", "list"], { encoding: "utf8" }).stdout;
  const run = spawnSync("scripts/demo.sh", {
    cwd: root,
    encoding: "utf8",
    env: { ...process.env, NO_COLOR: "1" },
  });
  expect(run.stdout).toContain("Everything was as expected.");
  expect(run.stdout).toContain("its portRange is 80/80, the packet's 22");
  expect(run.stdout).toMatch(/reason="no-rule"/);
  expect(run.status).toBe(0);
  expect(namespaces()).not.toContain(`rwdemo-${run.pid}`);
});
