/** Files that a command line names. */
import { readFileSync, statSync } from "node:fs";
import { formatDiagnostic } from "../model/diagnostic.ts";
import { describeUnreadable, errorCode } from "../model/unreadable.ts";
import {
  type Decoded,
  decodeFile,
  describeTooLarge,
  fileBytesMax,
  refuseFile,
} from "../model/yaml/decode.ts";
import type { SourceText } from "../model/yaml/source.ts";
import { refusal } from "./exit.ts";

/** A file as text, or why it is none: it cannot be read, is larger than 64 MiB, or no UTF-8. */
export function openSource(path: string): Decoded {
  try {
    const { size } = statSync(path);
    if (size > fileBytesMax) return refuseFile("file-too-large", path, describeTooLarge(size));
    return decodeFile(path, readFileSync(path));
  } catch (error) {
    return refuseFile("file-unreadable", path, describeUnreadable(errorCode(error)));
  }
}

/** @throws CliError where the file is no text that can be read */
export function readSource(path: string): SourceText {
  const decoded = openSource(path);
  if (!decoded.ok) throw refusal(formatDiagnostic(decoded.diagnostic));
  return decoded.source;
}

/** Bytes of a file of any size. @throws CliError where it cannot be read */
export function readBytes(path: string): Uint8Array {
  try {
    return readFileSync(path);
  } catch (error) {
    throw refusal(`${path}: ${describeUnreadable(errorCode(error))}`);
  }
}
