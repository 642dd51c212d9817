/** The one list of words for the numbers of bpf/include/layout.h. */
import { Reason } from "./layout.gen.ts";

const names = new Map<number, string>(
  Object.entries(Reason).map(([key, number]) => [
    number,
    key
      .replace(/^REASON_/, "")
      .toLowerCase()
      .replaceAll("_", "-"),
  ]),
);

/** Word of a reason: REASON_NO_RULE is `no-rule`. A number of a later program is `reason-N`. */
export function reasonName(number: number): string {
  return names.get(number) ?? `reason-${number}`;
}

/** Every word that a verdict may give, in the order of their numbers; `none` is not one. */
export const reasonNames: readonly string[] = [...names.entries()]
  .filter(([number]) => number !== Reason.REASON_NONE)
  .sort(([left], [right]) => left - right)
  .map(([, name]) => name);
