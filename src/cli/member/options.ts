import type { Argv } from "yargs";

/** For commands that take an interface by a name that several networks may have. */
export function withNetwork<T>(parser: Argv<T>) {
  return parser.option("network", {
    type: "string",
    requiresArg: true,
    describe: "Where an address or MAC is meant that several networks have",
  });
}
