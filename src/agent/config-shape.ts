/** The shape of agent.yaml; schema/agent.schema.json is made from it. */
import * as z from "zod";

const logLevels = ["trace", "debug", "info", "warn", "error", "fatal", "silent"] as const;
export type LogLevel = (typeof logLevels)[number];

const choice = <const T extends readonly string[]>(values: T) =>
  z.enum(values).meta({ description: `one of ${values.map((value) => `\`${value}\``).join(", ")}` });
const bounded = (least: number, most: number, what: string) =>
  z
    .int()
    .min(least)
    .max(most)
    .meta({ description: `${what}, ${least} to ${most}` });
const timeout = bounded(1, 910, "seconds").optional();
const tableSize = bounded(512, 4_194_304, "a number of sessions").optional();
const count = (most: number) => bounded(1, most, "a number").optional();
const absolutePath = z.string().meta({ description: "an absolute path", pattern: "^/" });
const networkNames = z.array(z.string().meta({ description: "a network's id" }));

export const configShape = z.strictObject({
  host: z
    .string()
    .meta({ description: "this host's name as the rules have it; left out: the host name" })
    .optional(),
  uplinks: z
    .array(
      z
        .union([
          z.string(),
          z.strictObject({
            device: z.string().meta({ description: "a device's name" }),
            networks: networkNames.meta({ description: "a list of networks; left out: all" }).optional(),
          }),
        ])
        .meta({ description: "a device's name, or `{device: ..., networks: [...]}`" }),
    )
    .meta({ description: "a list of devices whose ingress is judged early" })
    .optional(),
  attach: choice(["auto", "native", "generic", "tc"]).optional(),
  onFailure: choice(["closed", "open"]).optional(),
  establishedSessions: choice(["revalidate", "keep"]).optional(),
  midstream: choice(["pickup", "drop"]).optional(),
  sessions: z
    .strictObject({
      established: tableSize,
      answered: tableSize,
      opening: tableSize,
      memory: z
        .string()
        .meta({
          description: "a share of the RAM for all session tables, `0.1%` to `50%`",
          pattern: "^[0-9]{1,2}(\\.[0-9]{1,2})?%$",
        })
        .optional(),
    })
    .meta({ description: "a map of table sizes per interface, and `memory: 2%`" })
    .optional(),
  eventsPerSecond: bounded(0, 1_000_000, "drop events per interface and reason").optional(),
  timeouts: z
    .strictObject({
      tcpEstablished: timeout,
      tcpOpening: timeout,
      tcpClosing: timeout,
      udpReplied: timeout,
      udpUnreplied: timeout,
      icmp: timeout,
      others: timeout,
    })
    .meta({ description: "a map of idle times in seconds, each at most 910" })
    .optional(),
  limits: z
    .strictObject({
      rulesPerGroup: count(4096),
      groupsPerInterface: count(64),
      // The kernel's bitmaps hold 4,096 rules of a side.
      rulesPerInterface: count(4096),
      entriesPerPrefixList: count(1_000_000),
      prefixesPerPolicy: count(1_000_000),
      addressesPerBasicGroup: count(1_000_000),
      addressesPerAdvancedGroup: count(1_000_000),
      alwaysPerSecond: count(1_000_000),
    })
    .meta({ description: "a map of limits" })
    .optional(),
  log: z
    .strictObject({
      level: choice(logLevels).optional(),
      format: choice(["auto", "text", "json"]).optional(),
    })
    .meta({ description: "`{level: info, format: auto}`" })
    .optional(),
  metrics: z
    .strictObject({ listen: z.string().meta({ description: '`"127.0.0.1:9470"`' }).optional() })
    .meta({ description: '`{listen: "127.0.0.1:9470"}`' })
    .optional(),
  socket: z
    .strictObject({
      path: absolutePath.optional(),
      group: z.string().meta({ description: "a group of this system" }).optional(),
    })
    .meta({ description: "`{path: /run/ringwall/ringwall.sock, group: ringwall}`" })
    .optional(),
  store: z
    .strictObject({ file: absolutePath.optional() })
    .meta({ description: "`{file: /etc/ringwall/rules.d}`" })
    .optional(),
});

export type ConfigFields = Partial<z.infer<typeof configShape>>;
