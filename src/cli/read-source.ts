/** A file that a command line names, as text. */
import { readFileSync, statSync } from "node:fs";
import { formatDiagnostic } from "../model/diagnostic.ts";
import { decodeFile, describeTooLarge, fileBytesMax } from "../model/yaml/decode.ts";
import type { SourceText } from "../model/yaml/source.ts";
import { refusal } from "./exit.ts";

/** @throws CliError where it cannot be read, is larger than 64 MiB, or no UTF-8 */
export function readSource(path: string): SourceText {
  try {
    const { size } = statSync(path);
    if (size > fileBytesMax) throw refusal(`${path}: ${describeTooLarge(size)}`);
    const decoded = decodeFile(path, readFileSync(path));
    if (!decoded.ok) throw refusal(formatDiagnostic(decoded.diagnostic));
    return decoded.source;
  } catch (error) {
    if (error instanceof Error && "code" in error)
      throw refusal(`${path} cannot be read (${String(error.code)}).`);
    throw error;
  }
}
