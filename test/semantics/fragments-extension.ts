/** docs/semantics.md, "Fragments and odd packets": IPv6 extension headers. */
import { gatewayMac, guestMac } from "../support/bed.ts";
import {
  extension,
  fragment,
  hopByHop,
  type Layer,
  ndOption,
  payload,
  raw,
  routerSolicitation,
  routing,
  sourceLinkLayer,
} from "../support/packet.ts";
import { ndOut } from "./guest-frames.ts";
import { plays, type Sentences } from "./rows.ts";
import { type Body, into, out, protocol, quoting, type Step, syn, udp, unreachable } from "./steps.ts";

const ssh = { rules: ["ingress accept tcp 22/22 any"] };

/** A SYN to port 22, or to another, behind these headers. */
function behind(headers: readonly Layer[], port = 22): Body {
  return (family) => [...headers, ...syn(port)(family)];
}

/** A header of this many bytes. */
const sized = (bytes: number): Layer => extension(60, { data: new Uint8Array(bytes - 2) });
const repeat = (count: number): Layer[] => Array.from({ length: count }, () => extension(60));

/** An error behind these headers, about a packet that has those. */
const quotes = (headers: readonly Layer[], quoted: readonly Layer[]): Body => {
  const error = quoting(unreachable, {
    from: "me",
    to: "peer",
    body: (family) => [...quoted, ...udp("1>2")(family)],
  });
  return (family) => [...headers, ...error(family)];
};

/** An option of neighbour discovery that is so long and says nothing, and the sender's MAC. */
const blank = (bytes: number): Uint8Array => ndOption(14, new Uint8Array(bytes - 2));
const mine = sourceLinkLayer(guestMac);
const theirs = sourceLinkLayer(gatewayMac);
const solicits = (options: readonly Uint8Array[], expected: string): Step =>
  ndOut(routerSolicitation(...options), expected, { to: "ff02::2" });

const walked: Readonly<Record<string, Layer>> = {
  "0, hop-by-hop options": hopByHop(),
  "43, routing": routing({ type: 2, segmentsLeft: 0, addresses: ["2001:db8::1"] }),
  "44, an atomic fragment": fragment({ identification: 1 }),
  "60, destination options": extension(60),
  "135, mobility": extension(135),
  "139, HIP": extension(139),
  "140, shim6": extension(140),
};

export const extensionRows: Sentences = {
  "IPv6 extension headers 0, 43, 44, 60, 135, 139, 140 are walked": [
    ...Object.entries(walked).map(([name, header]) =>
      plays(
        name,
        ssh,
        [into(behind([header]), "accept rule new"), into(behind([header], 23), "drop no-rule")],
        {
          families: [6],
        },
      ),
    ),
    plays(
      "all of them in a row",
      ssh,
      [
        into(behind(Object.values(walked)), "accept rule new"),
        into(behind(Object.values(walked), 23), "drop no-rule"),
      ],
      { families: [6] },
    ),
    plays(
      "8 of them, and no more",
      ssh,
      [
        into(behind(repeat(8)), "accept rule new"),
        into(behind(repeat(8), 23), "drop no-rule"),
        into(behind(repeat(9)), "drop unsupported"),
        out(behind(repeat(9)), "drop unsupported"),
      ],
      { families: [6] },
    ),
    plays(
      "512 bytes, and no more",
      ssh,
      [
        into(behind([sized(512)]), "accept rule new"),
        into(behind([sized(256), sized(256)], 23), "drop no-rule"),
        into(behind([sized(520)]), "drop unsupported"),
        into(behind([sized(256), sized(264)]), "drop unsupported"),
      ],
      { families: [6] },
    ),
  ],
  "Of a frame the first 768 bytes are looked at": [
    plays(
      "what an error quotes is walked as far",
      { rules: ["ingress drop icmpv6 any"] },
      [
        out(udp("1>2"), "accept default-egress new"),
        into(quotes([sized(200)], []), "accept related related"),
        into(quotes([], [sized(512)]), "accept related related"),
        into(quotes([sized(400)], [sized(256)]), "accept related related"),
        into(quotes([sized(400)], [sized(264)]), "drop rule"),
        into(quotes([], [sized(512), sized(8)]), "drop rule"),
        into(quotes([sized(512)], [sized(160), sized(8)]), "drop rule"),
      ],
      { families: [6] },
    ),
    plays(
      "options of neighbour discovery are read as far",
      {},
      [
        solicits([blank(696), mine], "accept neighbour-discovery"),
        solicits([blank(704), mine], "drop unsupported"),
        solicits([blank(696), theirs], "drop spoofed-mac"),
        solicits([blank(704), theirs], "drop unsupported"),
        solicits([blank(1600)], "accept neighbour-discovery"),
        solicits(
          Array.from({ length: 88 }, () => mine),
          "accept neighbour-discovery",
        ),
        solicits(
          Array.from({ length: 89 }, () => mine),
          "drop unsupported",
        ),
        solicits([mine, Uint8Array.of(1, 1, 2)], "drop malformed"),
        solicits([mine, Uint8Array.of(1, 0, 2, 0, 0, 0, 1, 1)], "drop malformed"),
        solicits([mine, Uint8Array.of(1, 2, 2, 0, 0, 0, 1, 1)], "drop malformed"),
      ],
      { families: [6] },
    ),
  ],
  "50, 51, 59 and unknown ones are protocols without ports.": [
    plays(
      "a rule for ports behind them does not match, one for their number does",
      {
        rules: ["ingress accept tcp 22/22 any", "ingress accept 51 any", "ingress accept 59 any"],
      },
      [
        into(
          (family) => [
            raw(new Uint8Array([6, 1, ...new Uint8Array(10)]), { protocol: 51 }),
            ...syn(22)(family),
          ],
          "accept rule new sg-t 1",
        ),
        into(protocol(59), "accept rule new sg-t 2"),
        into(protocol(50), "drop no-rule"),
        into(() => [raw(new Uint8Array(0), { protocol: 50 }), payload(40)], "drop no-rule"),
        into(protocol(253), "drop no-rule"),
        into(syn(22), "accept rule new sg-t 0"),
      ],
    ),
    plays("`all` matches them", { rules: ["ingress accept all peers"] }, [
      into(protocol(50), "accept rule new"),
      into(protocol(51), "accept rule new"),
      into(protocol(59), "accept rule new"),
      into(protocol(253), "accept rule new"),
      into(protocol(50), "drop no-rule", { from: "far" }),
    ]),
  ],
};
