import { defineConfig } from "vitest/config";

const common = { pool: "forks", testTimeout: 30_000, hookTimeout: 60_000, retry: 0 } as const;

/** Tests in other kernels download them and take minutes: `make kernels` says which. */
const guests = process.env.RINGWALL_KERNELS === undefined ? ["test/guest/**"] : [];

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
          exclude: ["test/{unit,docs}/**", "**/node_modules/**", ...guests],
          fileParallelism: false,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
