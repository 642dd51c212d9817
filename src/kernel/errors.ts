/** Why the kernel layer refused; `code` is for programs, the message says what to do. */
export type EnforcementErrorCode =
  | "ADDON" // the addon is not built for this system
  | "BPFFS" // no bpffs where the pins are to be
  | "CAPACITY" // a map is too small for the change
  | "CLOCK" // the kernel's tick could not be learnt
  | "CLOSED" // asked after close()
  | "INCOMPLETE" // the change lacks a policy
  | "KERNEL" // a system call failed
  | "KERNEL_OLD" // below 6.1
  | "LOCKED" // another agent holds the pins
  | "OBJECT" // the object file is missing or refused
  | "PACKET" // the kernel's test run takes no such frame
  | "PARTLY" // the change is being brought into force: neither the old nor the new is there whole
  | "PERMISSION" // capabilities are missing
  | "UNKNOWN_INTERFACE"
  | "UNPROVEN" // what was written is not what the rules say: a fault of Ringwall, or of the memory
  | "WAITING"; // a change waits for its confirmation

export class EnforcementError extends Error {
  readonly code: EnforcementErrorCode;

  constructor(code: EnforcementErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "EnforcementError";
    this.code = code;
  }
}

/** The errno name of a failed call ("ENOENT"), or undefined. */
export function errorCode(error: unknown): string | undefined {
  if (!(error instanceof Error) || !("code" in error)) return undefined;
  return typeof error.code === "string" ? error.code : undefined;
}

/** A sentence for any thrown value. */
export function errorText(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
