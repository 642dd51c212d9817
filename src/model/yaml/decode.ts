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

function refuse(code: DiagnosticCode, place: Place, message: string): Decoded {
  return { ok: false, diagnostic: { code, severity: "error", place, message, write: null, related: [] } };
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
  const decoder = new TextDecoder();
  let line = 1;
  let start = 0;
  for (;;) {
    const newline = bytes.indexOf(0x0a, start);
    const end = newline < 0 ? bytes.length : newline;
    const content = bytes.subarray(start, end);
    if (!isUtf8(content)) {
      let length = 0;
      for (let step = 1 << 26; step >= 1; step >>= 1) {
        const longer = length + step;
        if (longer <= content.length && isUtf8Start(content.subarray(0, longer))) length = longer;
      }
      const valid = decoder.decode(content.subarray(0, length)).replace(/\uFFFD$/, "");
      return { file: path, line, column: valid.length + 1 };
    }
    if (newline < 0) return { file: path, line, column: 1 };
    start = newline + 1;
    line += 1;
  }
}

/** Valid UTF-8, maybe cut within its last character. */
function isUtf8Start(bytes: Uint8Array): boolean {
  for (let cut = 0; cut < 4; cut += 1) {
    if (bytes.length >= cut && isUtf8(bytes.subarray(0, bytes.length - cut))) {
      const tail = bytes.subarray(bytes.length - cut);
      return cut === 0 || isCharacterStart(tail);
    }
  }
  return false;
}

/** One lead byte, followed by fewer continuation bytes than it asks for. */
function isCharacterStart(tail: Uint8Array): boolean {
  const lead = tail[0] ?? 0;
  const wanted = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc2 ? 2 : 1;
  return tail.length < wanted && tail.subarray(1).every((byte) => byte >> 6 === 2);
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
