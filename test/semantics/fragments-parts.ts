/** docs/semantics.md, "Fragments and odd packets": parts of datagrams. */
import type { Family } from "../../src/model/model.ts";
import { destinationOptions, fragment, raw, segment } from "../support/packet.ts";
import { placeOfInterface } from "./places.ts";
import { plays, type Sentences } from "./rows.ts";
import {
  type Body,
  change,
  into,
  ipLayer,
  out,
  quoting,
  type Step,
  tcp,
  udp,
  unreachable,
  type Way,
  wait,
} from "./steps.ts";

interface Part {
  /** Bytes of the datagram: where it begins, how many, and whether more follow. */
  readonly offset: number;
  readonly length: number;
  readonly more?: boolean;
  readonly id?: number;
}

/** One part of what `body` is behind the IP header, whole checksums and all. */
function part(
  step: typeof out,
  body: Body,
  { offset, length, more = false, id = 1 }: Part,
  expect: string,
  way: Way = {},
): Step {
  const own = placeOfInterface(way.on ?? "eni-1").name;
  const from = way.from ?? (step === out ? own : "peer");
  const to = way.to ?? (step === out ? "peer" : own);
  const cut: Body = (family: Family) => {
    const inner = body(family);
    const bytes = segment(ipLayer(family, from, to), ...inner).slice(offset, offset + length);
    const piece = raw(bytes, { protocol: inner[0]?.protocol ?? 59 });
    return family === 4 ? [piece] : [fragment({ offset, more, identification: id }), piece];
  };
  const ip4 = { moreFragments: more, fragmentOffset: offset, identification: id };
  return step(cut, expect, { ...way, from, to, ip4 });
}

const big = udp("40000>53", 100);
const closed = udp("40000>54", 100);
const dns = { rules: ["ingress accept udp 53/53 any", "ingress accept tcp 80/80 any"] };
const first = { offset: 0, length: 64, more: true };
const later = { offset: 64, length: 44 };
const dropped = "drop fragment";
const syn80 = tcp("40000>80", "S", { length: 100 });
/** A header of 40 bytes. */
const synOptions = tcp("40001>80", "S", { length: 100, options: new Uint8Array(20).fill(1) });
/** IPv6 options between the fragment header and the transport header. */
const behindOptions: Body = (family) => [...(family === 6 ? [destinationOptions()] : []), ...syn80(family)];

export const fragmentRows: Sentences = {
  "A later fragment gets its first fragment's verdict": [
    plays("the reason and the rule too", dns, [
      part(into, big, first, "accept rule new sg-t 0"),
      part(into, big, later, "accept rule established sg-t 0"),
      part(into, big, { ...later, offset: 104, length: 4 }, "accept rule established sg-t 0"),
    ]),
    plays("of a session's packet", {}, [
      out(udp("53>40000"), "accept default-egress new"),
      part(into, big, first, "accept session established"),
      part(into, big, later, "accept session established"),
      part(into, big, { ...later, id: 2 }, dropped),
    ]),
    plays("of an error", {}, [
      out(udp("1>2", 1000), "accept default-egress new"),
      part(into, errorAbout, first, "accept related related", { from: "router" }),
      part(into, errorAbout, { offset: 64, length: 400 }, "accept related related", { from: "router" }),
      part(into, errorAbout, { offset: 64, length: 400 }, dropped, { from: "far" }),
    ]),
    plays("`fragment` after a dropped one", dns, [
      part(into, closed, first, "drop no-rule"),
      part(into, closed, later, dropped),
      part(into, big, { ...first, id: 2 }, "accept rule new"),
      part(into, big, { ...later, id: 2 }, "accept rule established"),
    ]),
    plays("at that end: other ends and the other direction know nothing", dns, [
      part(into, big, first, "accept rule new"),
      part(into, big, later, dropped, { on: "eni-2" }),
      part(out, big, later, dropped),
      part(into, big, later, "accept rule established"),
    ]),
    plays("for 30 s", dns, [
      part(into, big, first, "accept rule new"),
      wait(29.999),
      part(into, big, later, "accept rule established"),
      wait(0.001),
      part(into, big, later, dropped),
    ]),
    plays("a new first fragment takes its place", dns, [
      part(into, big, first, "accept rule new"),
      part(into, closed, first, "drop no-rule"),
      part(into, big, later, dropped),
      part(into, big, first, "accept session established"),
      part(into, big, later, "accept session established"),
    ]),
    plays("a datagram is judged once, even over a change", dns, [
      part(into, big, first, "accept rule new sg-t 0"),
      change({}),
      part(into, big, later, "accept rule established"),
      part(into, big, { ...first, id: 2 }, "drop no-rule"),
      part(into, big, { ...later, id: 2 }, dropped),
    ]),
    plays("the guest's own too", {}, [
      part(out, big, first, "accept default-egress new"),
      part(out, big, later, "accept default-egress established"),
      part(out, big, { ...later, id: 2 }, dropped),
    ]),
  ],
  "Dropped (`fragment`): a later fragment before its first": [
    plays("a later fragment before its first was judged", dns, [
      part(into, big, later, dropped),
      part(into, big, first, "accept rule new"),
      part(into, big, later, "accept rule established"),
      part(into, big, { ...later, id: 2 }, dropped),
      part(into, big, later, dropped, { from: "peer2" }),
    ]),
    plays("one that overlays the transport header", dns, [
      part(into, syn80, first, "accept rule new"),
      part(into, syn80, { offset: 8, length: 56 }, dropped),
      part(into, syn80, { offset: 16, length: 48 }, dropped),
      part(into, syn80, { offset: 24, length: 40 }, "accept rule established"),
    ]),
    plays("one that overlays TCP's options", dns, [
      part(into, synOptions, first, "accept rule new"),
      part(into, synOptions, { offset: 24, length: 40 }, dropped),
      part(into, synOptions, { offset: 32, length: 32 }, dropped),
      part(into, synOptions, { offset: 40, length: 24 }, "accept rule established"),
      part(into, synOptions, { offset: 0, length: 32, more: true, id: 2 }, dropped),
    ]),
    plays(
      "with options before the header, one that overlays what they moved",
      dns,
      [
        part(into, behindOptions, { ...first, length: 72 }, "accept rule new"),
        part(into, behindOptions, { offset: 24, length: 48 }, dropped),
        part(into, behindOptions, { offset: 32, length: 40 }, "accept rule established"),
      ],
      { families: [6] },
    ),
    plays("a first fragment without its whole transport header", dns, [
      part(into, syn80, { offset: 0, length: 16, more: true }, dropped),
      part(into, big, { offset: 0, length: 0, more: true }, dropped),
      part(into, big, { offset: 0, length: 8, more: true }, "accept rule new"),
    ]),
    plays(
      "nested fragment headers",
      dns,
      [
        into(
          (family) => [fragment({ identification: 1 }), fragment({ identification: 2 }), ...syn80(family)],
          dropped,
        ),
        into((family) => [fragment({ identification: 1 }), ...syn80(family)], "accept rule new"),
      ],
      { families: [6] },
    ),
    plays("a payload that reads like an allowed SYN is none", dns, [
      part(
        into,
        (family) => [...udp("1>2", 56)(family), ...syn80(family)],
        { offset: 64, length: 20 },
        dropped,
      ),
      into(syn80, "accept rule new"),
    ]),
  ],
  "An IPv6 atomic fragment is a whole packet.": [
    plays(
      "its ports count, and it opens a session",
      dns,
      [
        into((family) => [fragment({ identification: 1 }), ...syn80(family)], "accept rule new"),
        out(tcp("80>40000", "SA"), "accept session established"),
        into((family) => [fragment({ identification: 2 }), ...tcp("1>81", "S")(family)], "drop no-rule"),
        part(into, syn80, { ...later, id: 1 }, dropped),
      ],
      { families: [6] },
    ),
  ],
};

function errorAbout(family: Family) {
  return quoting(unreachable, { from: "me", to: "peer", body: udp("1>2", 500) })(family);
}
