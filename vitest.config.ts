import { availableParallelism } from "node:os";
import { defineConfig } from "vitest/config";

/**
 * Files that need the machine to themselves, and why: what they print, or try, is a matter of time. All others run side by
 * side, also those that attach to devices and send traffic: what they make (namespaces, folders, a bpffs) is named from
 * their process. None holds the clock to anything: they wait for what happens, however long it takes.
 */
const alone: Readonly<Record<string, string>> = {
  "test/cases/c14-tap-comes-back.test.ts": "prints how long a device that comes back is unguarded",
  "test/cases/c15-half-saved.test.ts": "a pause while a file is saved has to be shorter than half a second",
  "test/network/attach-race.test.ts": "prints how long devices are without their programs",
  "test/hostile/large.test.ts": "prints how long an agent that reads 20 MB takes to answer",
};

/** Of the tests in other kernels one is for all; what takes minutes is for `make kernels`. VLAN devices are there only. */
const guests = [
  ...(process.env.RINGWALL_KERNELS === undefined ? ["test/guest/tap.test.ts"] : []),
  ...(process.env.RINGWALL_GUEST === undefined ? ["test/kernel/vlan.test.ts"] : []),
];

const pure = "test/{unit,docs}/**/*.test.ts";
/**
 * How long a test waits before what has not happened never does, ms: only a test that fails takes it, so it is longer
 * than a busy machine needs. An emulated processor (scripts/guest) gets four times as long.
 */
const patience = process.env.RINGWALL_GUEST === undefined ? 60_000 : 240_000;
const common = {
  pool: "forks",
  testTimeout: 10 * patience,
  hookTimeout: 10 * patience,
  expect: { poll: { timeout: patience, interval: 50 } },
  retry: 0,
} as const;
/** One more than there are CPUs: most files wait, for the kernel or for a process, as long as they compute. */
const sideBySide = {
  maxWorkers: Math.min(availableParallelism() + 1, 6),
  sequence: { groupOrder: 0 },
};

// Certificates that an environment adds for programs that speak TLS: each process that a test starts would parse them all (some
// 100 ms), and none has a use for them. bin/ringwall does the same.
delete process.env.NODE_EXTRA_CA_CERTS;

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          ...common,
          ...sideBySide,
          name: "host",
          include: ["test/**/*.test.ts"],
          exclude: [pure, "**/node_modules/**", ...Object.keys(alone), ...guests],
        },
      },
      {
        // They touch nothing that others touch: one process after the other takes them, and loads what they share once.
        test: { ...common, ...sideBySide, name: "pure", include: [pure], isolate: false },
      },
      {
        test: {
          ...common,
          name: "alone",
          include: Object.keys(alone),
          maxWorkers: 1,
          sequence: { groupOrder: 1 },
        },
      },
      {
        // A sample of the network tests once more, past the bridge (test/support/forwarding.ts).
        test: {
          ...common,
          ...sideBySide,
          name: "direct",
          include: ["test/network/{verdicts,fragments}.test.ts"],
          env: { RINGWALL_FORWARDING: "direct" },
        },
      },
    ],
  },
});
