/** Why a file cannot be read or written, in words for whoever named it. */

/** The name of a system call's error: "ENOENT"; the text of any other. */
export function errorCode(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : String(error);
}

export const directoryHere = "it is a directory: put a file in its place, or rename it";

/** What is wrong with a file, from an error's code, and what to do. */
export function describeUnreadable(code: string): string {
  switch (code) {
    case "ENOENT":
      return "it does not exist: write it, or correct the path";
    case "ENOTDIR":
      return "a part of its path is no directory: correct the path";
    case "EISDIR":
      return directoryHere;
    case "EACCES":
    case "EPERM":
      return `it may not be read (${code}): run as root, or give its group the right to read it`;
    case "ELOOP":
      return "its links lead in a circle (ELOOP): correct them";
    default:
      return `it cannot be read (${code}): mend that, or take it away`;
  }
}

/** The same for a file that is to be written. */
export function describeUnwritable(code: string): string {
  switch (code) {
    case "ENOENT":
    case "ENOTDIR":
      return "its directory does not exist: make it, or correct the path";
    case "EISDIR":
      return "it is a directory: name a file in it";
    case "EACCES":
    case "EPERM":
    case "EROFS":
      return `it may not be written (${code}): run as root, or name another file`;
    case "ENOSPC":
    case "EDQUOT":
      return `there is no room left (${code}): make some, or name another place`;
    default:
      return `it cannot be written (${code}): name another file`;
  }
}
