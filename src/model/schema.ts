/**
 * Shapes of the rules files: which keys there are, what kind of value each takes, and how it is described to
 * an editor. schema/rules.schema.json is made from these. What a value means (ports, prefixes, names that
 * have to exist) is decided by the decoders beside this file; the patterns here are for editors only.
 */
import * as z from "zod";
import { protocolNames } from "./protocol.ts";

const idForm = "[A-Za-z0-9][A-Za-z0-9._-]{0,62}";
export const idPattern = `^${idForm}$`;
export const groupIdPattern = `^(${idForm}/)?sg-[A-Za-z0-9._-]{0,60}$`;
export const prefixListIdPattern = "^pl-[A-Za-z0-9._-]{0,60}$";

const text = (description: string) => z.string().meta({ description, maxLength: 256 });
const name = text("a name, printable, at most 256 characters");
const description = text("free text, printable, at most 256 characters");
const nicType = z.enum(["intranet", "internet"]).meta({
  description: "`intranet` (the default), or in a classic network `internet`",
});
const portRange = (what: string) =>
  z.string().meta({
    description: `${what}: \`first/last\`, 1 to 65535; \`-1/-1\` for every port`,
    pattern: "^(-1/-1|[1-9][0-9]{0,4}/[1-9][0-9]{0,4})$",
    examples: ["80/80", "1/1023", "-1/-1"],
  });
const icmpNumber = (what: string) =>
  z
    .int()
    .min(0)
    .max(255)
    .meta({ description: `an ICMP ${what}, 0 to 255` });

export const ruleShape = z.strictObject({
  id: z
    .string()
    .meta({ description: "an id of the rule that stays when it moves", pattern: idPattern })
    .optional(),
  direction: z.enum(["ingress", "egress"]).meta({
    description: "`ingress` (to the guest) or `egress` (from it)",
  }),
  policy: z.enum(["accept", "drop"]).meta({ description: "`accept` or `drop`" }),
  protocol: z.union([z.string(), z.number()]).meta({
    description: `${protocolNames.map((known) => `\`${known}\``).join(", ")}, or a number that has no name here`,
    anyOf: [{ enum: protocolNames }, { type: "integer", minimum: 0, maximum: 255 }],
  }),
  portRange: portRange("destination ports").optional(),
  sourcePortRange: portRange("source ports").optional(),
  icmpType: icmpNumber("type").optional(),
  icmpCode: icmpNumber("code").optional(),
  priority: z
    .number()
    .meta({
      description: "1 (first) to 100; 1 in an advanced group; 110 in template rules and default groups",
      type: "integer",
      minimum: 1,
      maximum: 110,
    })
    .optional(),
  remote: z.string().meta({
    description: "the other side: an IPv4 or IPv6 prefix, a group (`sg-...`) or a prefix list (`pl-...`)",
    examples: ["203.0.113.0/24", "2001:db8::/32", "sg-web", "pl-office"],
  }),
  local: z
    .string()
    .meta({
      description: "a prefix of the protected side",
      examples: ["10.0.0.11/32"],
    })
    .optional(),
  nicType: nicType.optional(),
  description: description.optional(),
  expires: z
    .string()
    .meta({
      description: "a time (RFC 3339) from which the rule no longer matches",
      format: "date-time",
      examples: ["2031-12-31T18:00:00Z"],
    })
    .optional(),
  template: z.boolean().meta({ description: "`true` for a rule that came from a template" }).optional(),
});

export const groupShape = z.strictObject({
  name: name.optional(),
  description: description.optional(),
  type: z.enum(["basic", "advanced", "enterprise"]).meta({
    description: "`basic` or `advanced` (`enterprise` is another word for it)",
  }),
  network: z.string().meta({ description: "the id of the group's network", pattern: idPattern }),
  innerAccess: z
    .enum(["accept", "drop"])
    .meta({
      description: "whether members of a basic group reach each other: `accept` (the default) or `drop`",
    })
    .optional(),
  defaultEgress: z
    .enum(["accept", "drop"])
    .meta({
      description: "egress that no rule matches: `accept` (the default) or `drop`",
    })
    .optional(),
  mode: z
    .enum(["enforce", "observe"])
    .meta({
      description: "`enforce` (the default), or `observe`: judged and counted, nothing is dropped",
    })
    .optional(),
  default: z
    .boolean()
    .meta({
      description: "`true` for the group of the network's interfaces that name none",
    })
    .optional(),
  rules: z.array(ruleShape).meta({ description: "a list of rules" }).optional(),
  tags: z
    .record(z.string(), z.string().meta({ maxLength: 256 }))
    .meta({
      description: "a map of texts",
    })
    .optional(),
});

export const networkShape = z.strictObject({
  type: z.enum(["vpc", "classic"]).meta({ description: "`vpc` or `classic`" }),
  forwarding: z
    .enum(["kernel", "direct"])
    .meta({
      description: "`kernel` (the default), or `direct`: accepted frames go past the bridge (docs/direct.md)",
    })
    .optional(),
  gateways: z
    .array(z.string())
    .meta({
      description: "a list of addresses that no guest may claim",
    })
    .optional(),
});

export const prefixListShape = z.strictObject({
  name: name.optional(),
  family: z.enum(["ipv4", "ipv6"]).meta({ description: "`ipv4` or `ipv6`" }),
  maxEntries: z.int().min(1).meta({ description: "the most entries that the list may have" }).optional(),
  entries: z
    .array(
      z.strictObject({
        cidr: z.string().meta({ description: "a prefix of the list's family", examples: ["203.0.113.0/24"] }),
        description: description.optional(),
      }),
    )
    .meta({ description: "a list of `{cidr: ..., description: ...}`" }),
});

const tableSize = (what: string) =>
  z
    .int()
    .min(512)
    .max(4_194_304)
    .meta({ description: `the number of ${what} sessions, 512 to 4194304` });

export const sessionSizesShape = z.strictObject({
  established: tableSize("established TCP"),
  answered: tableSize("other answered"),
  opening: tableSize("opening"),
});

export const interfaceShape = z.strictObject({
  host: z
    .union([z.string(), z.array(z.string()).min(1)])
    .meta({
      description: "a host's name, or a list of them while the guest moves; left out: this host",
    })
    .optional(),
  device: z.string().meta({
    description: "the host-side netdev: a VM's tap, the host's end of a veth",
    maxLength: 15,
  }),
  mac: z.string().meta({
    description: "the guest's MAC, six bytes in hex with colons",
    pattern: "^[0-9A-Fa-f]{2}(:[0-9A-Fa-f]{2}){5}$",
  }),
  addresses: z.array(z.string()).meta({
    description: "a list of the guest's addresses; `[]`: only its MAC is checked",
  }),
  nicType: nicType.optional(),
  network: z.string().meta({ description: "the id of the interface's network", pattern: idPattern }),
  groups: z
    .array(z.string())
    .meta({
      description: "a list of groups; left out: the network's default group",
    })
    .optional(),
  antiSpoofing: z
    .union([z.boolean(), z.literal("observe")])
    .meta({
      description: "`true` (the default), `false`, or `observe`: counted, passes",
    })
    .optional(),
  allowedAddressPairs: z
    .array(
      z.strictObject({
        address: z.string().meta({ description: "an address or a prefix" }),
        mac: z.string().meta({ description: "a MAC; left out: the interface's own" }).optional(),
      }),
    )
    .meta({
      description: "a list of `{address: ..., mac: ...}` that are the interface's own too",
    })
    .optional(),
  vlans: z
    .array(z.int().min(1).max(4094).meta({ description: "a VLAN id, 1 to 4094" }))
    .meta({
      description: "a list of VLAN ids, 1 to 4094, that the guest may use",
    })
    .optional(),
  etherTypes: z
    .array(z.int().min(0x0600).max(0xffff).meta({ description: "an ethertype, 0x0600 to 0xffff" }))
    .meta({
      description: "a list of ethertypes, 0x0600 to 0xffff, beside IP and ARP that the guest may use",
    })
    .optional(),
  sessions: sessionSizesShape
    .meta({
      description: "`{established: ..., answered: ..., opening: ...}`, sizes of its own",
    })
    .optional(),
});

export const instanceShape = z.strictObject({
  interfaces: z.record(z.string().meta({ pattern: idPattern }), interfaceShape).meta({
    description: "a map of interfaces by id",
  }),
});

/** A whole rules file. */
export const rulesShape = z.strictObject({
  version: z.literal(1).meta({ description: "the number 1" }),
  networks: z
    .record(z.string().meta({ pattern: idPattern }), networkShape)
    .meta({
      description: "a map of networks by id",
    })
    .optional(),
  prefixLists: z
    .record(z.string().meta({ pattern: prefixListIdPattern }), prefixListShape)
    .meta({
      description: "a map of prefix lists by id",
    })
    .optional(),
  groups: z
    .record(z.string().meta({ pattern: groupIdPattern }), groupShape)
    .meta({
      description: "a map of groups by id",
    })
    .optional(),
  instances: z
    .record(z.string().meta({ pattern: idPattern }), instanceShape)
    .meta({
      description: "a map of instances by id",
    })
    .optional(),
});

export type RuleFields = Partial<z.infer<typeof ruleShape>>;
export type GroupFields = Partial<z.infer<typeof groupShape>>;
export type NetworkFields = Partial<z.infer<typeof networkShape>>;
export type PrefixListFields = Partial<z.infer<typeof prefixListShape>>;
export type InterfaceFields = Partial<z.infer<typeof interfaceShape>>;
