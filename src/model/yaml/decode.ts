/** Bytes of a file to text: UTF-8, bounded. */
import { isUtf8 } from "node:buffer";
import type { Diagnostic, DiagnosticCode } from "../diagnostic.ts";
import type { Place } from "../model.ts";
import type { SourceText } from "./source.ts";

/** Bytes of the largest file that is read, and the text that aliases may expand one to. */
export const fileBytesMax = 64 * 1024 * 1024;

export type Decoded =
  | { readonly ok: true; readonly source: SourceText }
  | { readonly ok: false; readonly diagnostic: Diagnostic };

export type Refused = Extract<Decoded, { ok: false }>;

function refuse(code: DiagnosticCode, place: Place, message: string): Refused {
  return { ok: false, diagnostic: { code, severity: "error", place, message, write: null, related: [] } };
}

/** A finding about a whole file. */
export function refuseFile(code: DiagnosticCode, file: string, message: string): Refused {
  return refuse(code, { file, line: 0, column: 0 }, message);
}

/** What a file over the bound is refused with. `bytes`: its size. */
export function describeTooLarge(bytes: number): string {
  return `the file has ${bytes} bytes, the limit is ${fileBytesMax} (64 MiB): split it into several files`;
}

/** UTF-16 and UTF-32 show themselves by their mark, or by zero bytes among the first characters. */
function looksWide(bytes: Uint8Array): boolean {
  const [first, second] = bytes;
  if ((first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff)) return true;
  return bytes.subarray(0, 4).includes(0);
}

/** Line and column (1-based, UTF-16 units) of the first byte that is no UTF-8. */
function findFault(path: string, bytes: Uint8Array): Place {
  for (let line = 1, start = 0; start < bytes.length; line += 1) {
    const newline = bytes.indexOf(0x0a, start);
    const end = newline < 0 ? bytes.length : newline;
    const content = bytes.subarray(start, end);
    if (!isUtf8(content)) return { file: path, line, column: faultIn(content) + 1 };
    start = end + 1;
  }
  return { file: path, line: 1, column: 1 };
}

/** Characters before the first fault: where the decoder put U+FFFD and the bytes do not say it. */
function faultIn(content: Uint8Array): number {
  const text = new TextDecoder("utf-8", { ignoreBOM: true }).decode(content);
  let offset = 0;
  let from = 0;
  for (let at = text.indexOf("\uFFFD"); at >= 0; at = text.indexOf("\uFFFD", from)) {
    offset += Buffer.byteLength(text.slice(from, at));
    const written = content[offset] === 0xef && content[offset + 1] === 0xbf && content[offset + 2] === 0xbd;
    if (!written) return at;
    offset += 3;
    from = at + 1;
  }
  return 0;
}

/** Refused, with line and column: what is no UTF-8, and what is larger than 64 MiB. */
export function decodeFile(path: string, bytes: Uint8Array): Decoded {
  const place = { file: path, line: 1, column: 1 };
  if (bytes.length > fileBytesMax) return refuse("file-too-large", place, describeTooLarge(bytes.length));
  if (isUtf8(bytes) && !(bytes.length > 1 && looksWide(bytes))) {
    return { ok: true, source: { path, text: new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes) } };
  }
  if (looksWide(bytes)) {
    return refuse("not-utf8", place, "the file is not UTF-8, it looks like UTF-16: save it as UTF-8");
  }
  return refuse("not-utf8", findFault(path, bytes), "here is no UTF-8: save the file as UTF-8");
}
