/** A change that cannot be made; the message says why, where, and what to do instead. Nothing was changed. */
export class EditError extends Error {
  override readonly name = "EditError";
}
