import picocolors from "picocolors";

/** Colour is for terminals only, and only where the user does not object (no-color.org). */
const enabled = process.stdout.isTTY === true && !process.env.NO_COLOR && process.env.TERM !== "dumb";
const { green, red, yellow, dim, bold } = picocolors.createColors(enabled);

/** Emphasis by meaning, so that no command picks colours of its own. */
export const style = { good: green, bad: red, warning: yellow, aside: dim, title: bold };

/** A verdict in its colour. */
export function styleVerdict(verdict: string): string {
  return verdict === "accept" ? style.good(verdict) : verdict === "drop" ? style.bad(verdict) : verdict;
}
