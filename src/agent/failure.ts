import type { FailureCode } from "./protocol.ts";

/** What a client of the agent is told: the code decides its exit code, the message is shown as it is. */
export class Failure extends Error {
  readonly code: FailureCode;

  constructor(code: FailureCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "Failure";
    this.code = code;
  }
}
