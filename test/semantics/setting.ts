/**
 * A row's rules as a rules file: the bed of the cases from the field (network vpc-a, group sg-t, eni-1 and eni-2 in
 * it), with what the row changes. It is read by the same code as a file of an operator.
 */

import { defaultLimits, type Family, type Limits, type Model } from "../../src/model/model.ts";
import { type ParseResult, parseModel } from "../../src/model/parse.ts";
import { formatTime } from "../../src/model/time.ts";
import { bothAddresses, placeOfInterface, prefixOf } from "./places.ts";

export type Fields = Readonly<Record<string, unknown>>;

/**
 * What a row says of its model. A rule is `ingress accept tcp 80/80 any priority=2`: direction, policy, protocol,
 * ports where there are any, remote, then keys of the rules file. `any`, `peers`, `me`, … are of the row's family,
 * and so is `icmp`; `expires=+60` is 60 s after the row's first packet.
 */
export interface Setting {
  /** Rules of sg-t. */
  readonly rules?: readonly string[];
  /** Other keys of sg-t, of eni-1, of eni-2. */
  readonly group?: Fields;
  readonly nic?: Fields;
  readonly mate?: Fields;
  /** Further ones, by id; a group's `rules` are written as above, an interface `eni-N` has the place N. */
  readonly groups?: Readonly<Record<string, Fields & { readonly rules?: readonly string[] }>>;
  readonly nics?: Readonly<Record<string, Fields>>;
  readonly networks?: Readonly<Record<string, Fields>>;
  readonly lists?: Readonly<Record<string, readonly string[]>>;
}

export interface Moment {
  readonly family: Family;
  /** Seconds of UTC at the row's first packet. */
  readonly start: number;
}

const numbers: readonly string[] = ["priority", "icmpType", "icmpCode"];

function readValue(key: string, text: string, { family, start }: Moment): unknown {
  if (numbers.includes(key)) return Number(text);
  if (key === "template") return text === "true";
  if (key === "local") return prefixOf(text, family);
  if (key === "expires" && /^[+-]\d+$/.test(text)) return formatTime(start + Number(text));
  return text;
}

/** The keys of a rule written in a line. */
export function writeRule(line: string, moment: Moment): Fields {
  const [direction, policy, protocol = "", ...rest] = line.split(" ");
  const portRange = /^-?\d+\/-?\d+$/.test(rest[0] ?? "") ? { portRange: rest.shift() } : {};
  const [remote = "", ...keys] = rest;
  const extra = keys.map((word) => {
    const [key = "", text = ""] = word.split("=");
    return [key, readValue(key, text, moment)];
  });
  return {
    direction,
    policy,
    protocol: writeProtocol(protocol, moment.family),
    ...portRange,
    remote: prefixOf(remote, moment.family),
    ...Object.fromEntries(extra),
  };
}

function writeProtocol(word: string, family: Family): string | number {
  if (word === "icmp" && family === 6) return "icmpv6";
  if (word === "icmpv4") return "icmp";
  return /^\d+$/.test(word) ? Number(word) : word;
}

function writeGroup(fields: Fields & { readonly rules?: readonly string[] }, moment: Moment): Fields {
  const rules = (fields.rules ?? []).map((line) => writeRule(line, moment));
  return { type: "basic", network: "vpc-a", ...fields, rules };
}

/** A key set to undefined is left out of the file. */
function writeInterface(id: string, fields: Fields): Fields {
  const { mac, name } = placeOfInterface(id);
  const written = {
    device: `tap-${id}`,
    network: "vpc-a",
    mac,
    groups: ["sg-t"],
    addresses: [name],
    ...fields,
  };
  const addresses = (written.addresses as readonly string[]).flatMap(bothAddresses);
  return { ...written, addresses };
}

/** `instance` is no key of the file: interfaces that name one share it. */
function writeInstances(nics: Readonly<Record<string, Fields>>): Fields {
  const instances = new Map<string, Record<string, Fields>>();
  for (const [id, { instance = `i-${id}`, ...fields }] of Object.entries(nics)) {
    const interfaces = instances.get(String(instance)) ?? {};
    interfaces[id] = writeInterface(id, fields);
    instances.set(String(instance), interfaces);
  }
  return Object.fromEntries([...instances].map(([id, interfaces]) => [id, { interfaces }]));
}

function writeList(entries: readonly string[], { family }: Moment): Fields {
  const cidrs = entries.map((entry) => ({ cidr: prefixOf(entry, family) }));
  const isIpv6 = cidrs.length > 0 ? cidrs[0]?.cidr.includes(":") : family === 6;
  return { family: isIpv6 ? "ipv6" : "ipv4", entries: cidrs };
}

function mapValues<T>(fields: Readonly<Record<string, T>>, write: (value: T) => Fields): Fields {
  return Object.fromEntries(Object.entries(fields).map(([id, value]) => [id, write(value)]));
}

/** The text of the rules file: YAML in flow style. */
export function writeRules(setting: Setting, moment: Moment): string {
  const nics = { "eni-1": setting.nic ?? {}, "eni-2": setting.mate ?? {}, ...setting.nics };
  const groups = { "sg-t": { ...setting.group, rules: setting.rules ?? [] }, ...setting.groups };
  return JSON.stringify({
    version: 1,
    networks: { "vpc-a": { type: "vpc" }, ...setting.networks },
    prefixLists: mapValues(setting.lists ?? {}, (entries) => writeList(entries, moment)),
    groups: mapValues(groups, (fields) => writeGroup(fields, moment)),
    instances: writeInstances(nics),
  });
}

export function readRules(text: string, limits: Partial<Limits> = {}): ParseResult {
  const files = [{ path: "rules.yaml", text }];
  return parseModel(files, { limits: { ...defaultLimits, ...limits }, host: "here" });
}

/** The model of a setting. Throws, with the diagnostics, where it is refused. */
export function modelOf(setting: Setting, moment: Moment): Model {
  const { model, diagnostics } = readRules(writeRules(setting, moment));
  if (model === null) throw new Error(diagnostics.map(({ message }) => message).join("\n"));
  return model;
}
