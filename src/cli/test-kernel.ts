/** The shipped programs, loaded for one question or one capture and then gone. */
import { hostname } from "node:os";
import { EnforcementError } from "../kernel/errors.ts";
import { defaultSettings } from "../kernel/settings.ts";
import { TestRun } from "../kernel/testrun.ts";
import type { Model } from "../model/model.ts";
import { compileAll } from "../policy/compile.ts";
import { resolve } from "../policy/resolve.ts";
import type { Resolved } from "../policy/types.ts";
import { CliError, ExitCode } from "./exit.ts";
import { findObject } from "./install.ts";

export interface TestKernel {
  readonly run: TestRun;
  readonly resolved: Resolved;
}

/**
 * Loads the programs with a rule set, seen from `host`.
 * @throws EnforcementError where this kernel, or this user, cannot
 */
export async function openTestKernel(model: Model, host: string | undefined): Promise<TestKernel> {
  const resolved = resolve(model, { host: host ?? hostname() });
  const policies = compileAll(resolved);
  const run = await TestRun.open({ object: findObject(), resolved, policies, settings: defaultSettings });
  return { run, resolved };
}

/** What a command that cannot do without the programs ends with. */
export function describeKernelRefusal(error: unknown): unknown {
  if (!(error instanceof EnforcementError)) return error;
  const hint = "`ringwall doctor` says what this host lacks.";
  return new CliError(ExitCode.kernelRefused, `${error.message}\n${hint}`, { cause: error });
}
