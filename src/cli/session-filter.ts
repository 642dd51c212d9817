import type { SessionFilter } from "../agent/protocol.ts";
import { usageError } from "./exit.ts";

const texts = ["interface", "protocol", "local", "remote", "network"] as const;
const ports = ["localPort", "remotePort"] as const;
const example = "`--end remote=198.51.100.7,protocol=tcp`, or `--end all` for every session";

/**
 * Reads a filter such as `interface=eni-1,remote=198.51.100.7,localPort=22`. What is left out is every value;
 * `all` is every session, so that an empty text never ends them all.
 */
export function parseSessionFilter(text: string): SessionFilter {
  if (text === "all") return {};
  if (text.trim() === "") throw usageError(`An empty filter: write ${example}.`);
  const filter: Record<string, string | number> = {};
  for (const part of text.split(",")) {
    const [key = "", ...rest] = part.split("=");
    const value = rest.join("=");
    if (!isKey(key) || value === "") {
      throw usageError(
        `\`${part}\` is no part of a filter: write KEY=VALUE, KEY being one of ${keys.join(", ")}; ${example}.`,
      );
    }
    if (key in filter) throw usageError(`The filter has ${key} twice.`);
    filter[key] = isPortKey(key) ? parsePort(key, value) : value;
  }
  if ("network" in filter && !("interface" in filter))
    throw usageError("network=… says where an interface's address is meant: write interface=…, too.");
  return filter;
}

const keys = [...texts, ...ports] as const;
type Key = (typeof keys)[number];

function isKey(key: string): key is Key {
  return (keys as readonly string[]).includes(key);
}

function isPortKey(key: Key): key is (typeof ports)[number] {
  return (ports as readonly string[]).includes(key);
}

function parsePort(key: Key, value: string): number {
  if (!/^\d{1,5}$/.test(value) || Number(value) > 65535)
    throw usageError(`${key}=${value}: a port is 0 to 65535.`);
  return Number(value);
}
