import { formatDiagnostic, hasErrors } from "../model/diagnostic.ts";
import { type AgentConfig, loadConfig } from "./config.ts";
import { Failure } from "./failure.ts";

/**
 * The configuration at a path, or the usual one.
 * @throws Failure `refused` with every problem of the file, a line each
 */
export async function readConfig(path: string | undefined): Promise<AgentConfig> {
  const { config, diagnostics } = await loadConfig(path);
  if (config !== null && !hasErrors(diagnostics)) return config;
  throw new Failure("refused", diagnostics.map(formatDiagnostic).join("\n"));
}
