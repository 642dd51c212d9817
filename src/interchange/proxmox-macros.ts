/**
 * What Proxmox VE's firewall macros and names of ICMP types stand for (pve-firewall manual, appendix "Firewall
 * Macro Definitions"; iptables-extensions(8) for the types).
 */

/** One service of a macro: `tcp/80`, `udp/135,445`, `udp/500<500` with source ports, `47` a protocol alone. */
const macros: Readonly<Record<string, string>> = {
  Amanda: "udp/10080 tcp/10080",
  Auth: "tcp/113",
  BGP: "tcp/179",
  BitTorrent: "tcp/6881:6889 udp/6881",
  BitTorrent32: "tcp/6881:6999 udp/6881",
  Ceph: "tcp/6789 tcp/3300 tcp/6800:7300",
  Citrix: "tcp/1494 udp/1604 tcp/2598",
  CVS: "tcp/2401",
  DAAP: "tcp/3689 udp/3689",
  DCC: "tcp/6277",
  DHCPfwd: "udp/67:68<67:68",
  DHCPv6: "udp6/546:547<546:547",
  Distcc: "tcp/3632",
  DNS: "udp/53 tcp/53",
  Finger: "tcp/79",
  FTP: "tcp/21",
  Git: "tcp/9418",
  GNUnet: "tcp/2086 udp/2086 tcp/1080 udp/1080",
  GRE: "47",
  HKP: "tcp/11371",
  HTTP: "tcp/80",
  "HTTP/3": "udp/443",
  HTTPS: "tcp/443",
  ICPV2: "udp/3130",
  ICQ: "tcp/5190",
  IMAP: "tcp/143",
  IMAPS: "tcp/993",
  IPIP: "94",
  IPsec: "udp/500<500 50",
  IPsecah: "udp/500<500 51",
  IPsecnat: "udp/500 udp/4500 50",
  IRC: "tcp/6667",
  Jetdirect: "tcp/9100",
  L2TP: "udp/1701",
  LDAP: "tcp/389",
  LDAPS: "tcp/636",
  Mail: "tcp/25 tcp/465 tcp/587",
  MDNS: "udp/5353",
  MSNP: "tcp/1863",
  MSSQL: "tcp/1433",
  Munin: "tcp/4949",
  MySQL: "tcp/3306",
  NeighborDiscovery:
    "icmpv6/router-solicitation icmpv6/router-advertisement icmpv6/neighbor-solicitation icmpv6/neighbor-advertisement",
  NNTP: "tcp/119",
  NNTPS: "tcp/563",
  NTP: "udp/123",
  OpenVPN: "udp/1194",
  OSPF: "89",
  PBS: "tcp/8007",
  PCA: "udp/5632 tcp/5631",
  Ping: "icmp/echo-request icmpv6/echo-request",
  PMG: "tcp/8006",
  POP3: "tcp/110",
  POP3S: "tcp/995",
  PostgreSQL: "tcp/5432",
  PPtP: "47 tcp/1723",
  Printer: "tcp/515",
  Razor: "tcp/2703",
  Rdate: "tcp/37",
  RDP: "tcp/3389",
  RIP: "udp/520",
  RNDC: "tcp/953",
  Rsync: "tcp/873",
  SANE: "tcp/6566",
  SixXS: "tcp/3874 udp/3740 41 udp/5072,8374",
  SMB: "udp/135,445 udp/137:139 udp/1024:65535<137 tcp/135,139,445",
  SMBswat: "tcp/901",
  SMTP: "tcp/25",
  SMTPS: "tcp/465",
  SNMP: "udp/161:162 tcp/161",
  SPAMD: "tcp/783",
  SPICEproxy: "tcp/3128",
  Squid: "tcp/3128",
  SSH: "tcp/22",
  Submission: "tcp/587",
  SVN: "tcp/3690",
  Syslog: "udp/514 tcp/514",
  Telnet: "tcp/23",
  Telnets: "tcp/992",
  TFTP: "udp/69",
  Time: "tcp/37",
  Trcrt: "udp/33434:33524 icmp/echo-request icmpv6/echo-request",
  VNC: "tcp/5900:5999",
  VNCL: "tcp/5500",
  Web: "tcp/80 tcp/443",
  Webcache: "tcp/8080",
  Webmin: "tcp/10000",
  Whois: "tcp/43",
};

/** The words of a rule that a macro stands for. */
export interface MacroService {
  readonly proto: string;
  readonly dport: string | null;
  readonly sport: string | null;
  /** A service of IPv6 alone. */
  readonly onlyIpv6: boolean;
}

export const macroNames: readonly string[] = Object.keys(macros);

const byLowerCase: ReadonlyMap<string, string> = new Map(
  Object.entries(macros).map(([name, text]) => [name.toLowerCase(), text]),
);

/** The services of a macro, upper and lower case alike; undefined for an unknown one. */
export function expandMacro(name: string): readonly MacroService[] | undefined {
  return byLowerCase
    .get(name.toLowerCase())
    ?.split(" ")
    .map((service) => {
      const [, word = "", dport = null, sport = null] = /^(\w+)(?:\/([^<]+))?(?:<(.+))?$/.exec(service) ?? [];
      const onlyIpv6 = word === "udp6";
      return { proto: onlyIpv6 ? "udp" : word, dport, sport, onlyIpv6 };
    });
}

/** `type` or `type/code`. */
const icmpTypes: Readonly<Record<string, string>> = {
  "echo-reply": "0",
  "destination-unreachable": "3",
  "network-unreachable": "3/0",
  "host-unreachable": "3/1",
  "protocol-unreachable": "3/2",
  "port-unreachable": "3/3",
  "fragmentation-needed": "3/4",
  "source-route-failed": "3/5",
  "network-unknown": "3/6",
  "host-unknown": "3/7",
  "network-prohibited": "3/9",
  "host-prohibited": "3/10",
  "TOS-network-unreachable": "3/11",
  "TOS-host-unreachable": "3/12",
  "communication-prohibited": "3/13",
  "host-precedence-violation": "3/14",
  "precedence-cutoff": "3/15",
  "source-quench": "4",
  redirect: "5",
  "network-redirect": "5/0",
  "host-redirect": "5/1",
  "TOS-network-redirect": "5/2",
  "TOS-host-redirect": "5/3",
  "echo-request": "8",
  "router-advertisement": "9",
  "router-solicitation": "10",
  "time-exceeded": "11",
  "ttl-zero-during-transit": "11/0",
  "ttl-zero-during-reassembly": "11/1",
  "parameter-problem": "12",
  "ip-header-bad": "12/0",
  "required-option-missing": "12/1",
  "timestamp-request": "13",
  "timestamp-reply": "14",
  "address-mask-request": "17",
  "address-mask-reply": "18",
};

const icmpv6Types: Readonly<Record<string, string>> = {
  "destination-unreachable": "1",
  "no-route": "1/0",
  "communication-prohibited": "1/1",
  "beyond-scope": "1/2",
  "address-unreachable": "1/3",
  "port-unreachable": "1/4",
  "failed-policy": "1/5",
  "reject-route": "1/6",
  "packet-too-big": "2",
  "time-exceeded": "3",
  "ttl-zero-during-transit": "3/0",
  "ttl-zero-during-reassembly": "3/1",
  "parameter-problem": "4",
  "bad-header": "4/0",
  "unknown-header-type": "4/1",
  "unknown-option": "4/2",
  "echo-request": "128",
  "echo-reply": "129",
  "router-solicitation": "133",
  "router-advertisement": "134",
  "neighbor-solicitation": "135",
  "neighbour-solicitation": "135",
  "neighbor-advertisement": "136",
  "neighbour-advertisement": "136",
  redirect: "137",
};

/** Type and code of a name or `type[/code]`; null: every type; undefined for an unknown name. */
export function readIcmpType(
  protocol: "icmp" | "icmpv6",
  text: string,
): { readonly icmpType: number; readonly icmpCode?: number } | null | undefined {
  if (text === "any") return null;
  const names = protocol === "icmp" ? icmpTypes : icmpv6Types;
  const parts = /^(\d{1,3})(?:\/(\d{1,3}))?$/.exec(Object.hasOwn(names, text) ? (names[text] ?? "") : text);
  if (parts === null) return undefined;
  const icmpType = Number(parts[1]);
  return parts[2] === undefined ? { icmpType } : { icmpType, icmpCode: Number(parts[2]) };
}
