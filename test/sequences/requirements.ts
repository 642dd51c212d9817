/**
 * What is asked of a stateful firewall for guests: the requirements of RFCs that apply (where they speak of a NAT's
 * mapping, read session), and what netfilter's selftests demand. Each has a sequence script, or the test that shows it.
 */

export interface Requirement {
  /** "RFC 4787 REQ-5": as a script's `asks` names it. */
  readonly id: string;
  readonly asks: string;
  /** Where no script can show it: a test file, and words of the test's name. */
  readonly elsewhere?: { readonly file: string; readonly test: string };
}

const rfcs: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  "RFC 4787": {
    "REQ-5": "UDP is not forgotten within two minutes",
    "REQ-6": "a packet from inside refreshes",
    "REQ-8": "filtering depends on the address at least",
    "REQ-11": "the same packet in the same state is judged the same",
    "REQ-12": "an ICMP error ends no session",
    "REQ-14": "fragments pass, in order and out of order",
  },
  "RFC 5382": {
    "REQ-2": "all valid sequences of TCP, simultaneous open included",
    "REQ-3": "filtering depends on the address at least",
    "REQ-4": "an unsolicited SYN is not answered for 6 s",
    "REQ-5": "established TCP lives for 2 h 4 min, opening and closing for 4 min",
    "REQ-9": "destination unreachable and packet too big pass",
    "REQ-10": "an ICMP error ends no session",
  },
  "RFC 5508": {
    "REQ-1": "echo works from inside",
    "REQ-2": "a question lives for 60 s",
    "REQ-3": "errors with a wrong checksum are dropped",
    "REQ-4": "errors from outside pass where their session lives, otherwise not",
    "REQ-5": "errors from inside pass where their session lives, otherwise not",
    "REQ-6": "an error refreshes and ends nothing",
  },
  "RFC 5961": {
    "3.2": "a reset counts at the exact next sequence only",
    "4": "a SYN on an established connection changes nothing",
    "5": "an acknowledgement of what was never sent proves nothing",
  },
  "RFC 6092": {
    "REC-1": "no source is multicast",
    "REC-2": "multicast keeps its scope",
    "REC-4": "routing header 0 is dropped",
    "REC-5": "what goes out comes from inside",
    "REC-6": "what comes in does not come from inside",
    "REC-10": "errors pass where their session lives, otherwise not",
    "REC-11": "other protocols: filtering depends on the address",
    "REC-12": "other protocols are not forgotten within two minutes",
    "REC-14": "UDP is not forgotten within two minutes",
    "REC-15": "a shorter time only for well-known ports",
    "REC-16": "a packet from inside refreshes",
    "REC-17": "UDP: filtering depends on the address",
    "REC-18": "errors about UDP pass",
    "REC-19": "an error ends no UDP session",
    "REC-20": "UDP-Lite is as UDP, and not mixed with it",
    "REC-21": "AH passes",
    "REC-22": "ESP passes",
    "REC-23": "errors about ESP pass",
    "REC-24": "IKE passes",
    "REC-25": "IPsec's other state passes",
    "REC-26": "HIP passes",
    "REC-31": "all valid sequences of TCP, simultaneous open included",
    "REC-32": "no window is enforced where the scale option was not seen",
    "REC-33": "TCP: filtering depends on the address",
    "REC-34": "an unsolicited SYN is not answered for 6 s",
    "REC-35": "established TCP lives for 2 h 4 min, opening and closing for 4 min",
    "REC-36": "errors about TCP pass",
    "REC-37": "an error ends no TCP session",
  },
  "RFC 7857": {
    "2.1": "opening and closing have a time of their own",
    "2.2": "a reset does not end a session at once",
  },
  "RFC 4890": {
    "4.3.1": "errors are not dropped in transit",
    "4.3.1 echo": "echo is not dropped in transit",
    "4.4.1": "neighbour discovery and MLD work on the link",
  },
  "RFC 4861": { "7.1": "neighbour discovery has hop limit 255" },
  "RFC 6980": { "5": "neighbour discovery is not fragmented" },
  "RFC 5095": { "3": "routing header 0 is not used" },
  "RFC 7112": { "5": "a first fragment has the whole header chain" },
  "RFC 8200": {
    "4": "extension headers are walked",
    "4.5": "a datagram is known by addresses and identification",
  },
  "RFC 5722": { "3": "fragments do not overlap" },
  "RFC 6946": { "4": "an atomic fragment is a packet of its own" },
  "RFC 1858": { "3.1": "a first fragment is not tiny" },
  "RFC 3128": { "2": "no fragment rewrites TCP's flags" },
  "RFC 7126": { "4.3": "source routes are dropped" },
  "RFC 2979": { "2": "what works without a firewall works with it" },
};

const netfilter: Readonly<Record<string, string>> = {
  conntrack_rst_invalid: "inexact resets close nothing",
  conntrack_inexact_rst: "once a FIN was seen they do",
  conntrack_ack_loss_stall: "data far left of the window passes",
  conntrack_syn_challenge_ack: "SYN, challenge ACK, RST, SYN, SYN-ACK: one session",
  conntrack_synack_old: "a stale SYN-ACK spoils nothing",
  conntrack_synack_reuse: "a connection begins anew on an established session's ports",
  conntrack_icmp_related: "errors of a router about an echo session are related",
  conntrack_tcp_unreplied: "a SYN that is repeated times out",
  conntrack_clash: "two packets begin one session",
  conntrack_reverse_clash: "two packets begin one session from both ends",
  br_netfilter: "fragments pass a bridge",
  vxlan_mtu_frag: "large datagrams pass a tunnel",
  nft_interface_stress: "rules change under traffic",
  nft_zones_many: "equal ports and addresses at many interfaces",
};

/** What asks for more than packets and times. */
const elsewhere: readonly Requirement[] = [
  {
    id: "RFC 5508 REQ-8",
    asks: "where state is exhausted, what needs more is dropped",
    elsewhere: { file: "test/native/native.test.ts", test: "survives full tables" },
  },
  {
    id: "netfilter conntrack_resize",
    asks: "another size of the tables loses no session",
    elsewhere: { file: "test/kernel/conntrack-resize.test.ts", test: "conntrack_resize: " },
  },
];

export const requirements: readonly Requirement[] = [
  ...Object.entries(rfcs).flatMap(([rfc, parts]) =>
    Object.entries(parts).map(([part, asks]) => ({ id: `${rfc} ${part}`, asks })),
  ),
  ...Object.entries(netfilter).map(([name, asks]) => ({ id: `netfilter ${name}`, asks })),
  ...elsewhere,
];
