import { defineConfig } from "vitest/config";

const common = { pool: "forks", testTimeout: 30_000, hookTimeout: 60_000, retry: 0 } as const;

export default defineConfig({
  test: {
    projects: [
      {
        // They touch nothing that others touch: side by side.
        test: {
          ...common,
          name: "pure",
          include: ["test/{unit,docs}/**/*.test.ts"],
          sequence: { groupOrder: 0 },
        },
      },
      {
        // Kernel and network tests share one host (devices, CPUs): one file at a time keeps them honest.
        test: {
          ...common,
          name: "host",
          include: ["test/**/*.test.ts"],
          exclude: ["test/{unit,docs}/**", "**/node_modules/**"],
          fileParallelism: false,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
