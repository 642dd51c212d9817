import { describe, expect, it } from "vitest";
import { findFaults } from "./judge.ts";
import { parseScript } from "./parse.ts";
import { oracleJudge } from "./play-oracle.ts";

function problemsOf(...lines: readonly string[]): string[] {
  try {
    parseScript("x.seq", lines.join("\n"));
  } catch (error) {
    if (error instanceof SyntaxError) return error.message.split("\n");
    throw error;
  }
  return [];
}

const syn = "0 > tcp 1>2 S 1:1(0)  expect accept default-egress new";

describe("a script", () => {
  it("names the line of everything that is wrong, and what to write instead", () => {
    expect(
      problemsOf(
        syn,
        "+0.1 < udp 1>2 (4)  expect drop no-rule",
        "+0 < udp 1-2 (4)  expect drop no-rule",
        "+0 < udp 1>2  expect drop no-rule",
        "+0 < tcp 1>2 X 1:1(0)  expect drop no-rule",
        "+0 < tcp 1>2 A 1:3(1)  expect drop no-rule",
        "+0 < udp 1>2 (4)",
        "+0 < unreachable 1 quoting it  expect drop no-rule",
        "+0 < udp 1>2 (4) from nobody  expect drop no-rule",
        "+0 < udp 1>2 (4) part 4:8 id 1  expect drop no-rule",
        "+0 < udp 1>2 (4) twice  expect drop no-rule",
        "+0 < sctp 1>2 (4)  expect drop no-rule",
        "session half-open",
        "session of it none",
        "rules allow all",
        "midstream drop",
        "resume",
        "+0 session none now",
      ),
    ).toEqual([
      "x.seq:2: the time +0.1 is no multiple of 0.125 s: write +0.125, +0.25, …",
      'x.seq:3: "1-2" are no ports: write 40443>443, the sender\'s first',
      'x.seq:4: "expect" is no length of data: write (100)',
      'x.seq:5: "X" are no TCP flags: write letters of F S R P A U E C, or - for none',
      "x.seq:6: 1:3(1): 1 bytes from 1 on end at 2",
      'x.seq:7: "" stands where "expect" does: every packet says what becomes of it: expect accept session established',
      'x.seq:8: no packet above is "as it"',
      'x.seq:9: "nobody" is no name of the bed and no address: write peer, router, far, mate, …',
      'x.seq:10: "part 4:8" is no fragment: write part 0:64 id 7; it begins at a multiple of 8',
      'x.seq:11: "twice" follows no packet: write as, on, from, to, with, part, hops, checksum or expect',
      'x.seq:12: "sctp" is no packet: write one of tcp, udp, protocol, echo, echo-reply, timestamp, timestamp-reply, ' +
        "unreachable, too-big, time-exceeded, parameter-problem, redirect, neighbour-solicitation, " +
        "neighbour-advertisement, router-solicitation, router-advertisement, listener-query, listener-report, " +
        "listener-report-v2, nd-redirect",
      'x.seq:13: "half-open" is none of none, opening, established, closing, unreplied, replied, icmp, others, revoked',
      'x.seq:14: no packet above is "as it"',
      'x.seq:15: "allow all" is no rule: write ingress accept tcp 80/80 any, or rules none',
      'x.seq:16: "midstream" stands before the first packet',
      'x.seq:17: "resume" is no line of a script: write >, <, session, rules, default-egress, inner-access, asks, ' +
        "departs, families, midstream, established-sessions or timeout",
      'x.seq:18: nothing is expected at "now"',
    ]);
  });

  it("does not go back in time, and has a packet", () => {
    expect(problemsOf("1 > udp 1>2 (1) expect accept default-egress new", "0.5 session none")).toEqual([
      "x.seq:2: the time 0.5 is before the line above, at 1",
    ]);
    expect(problemsOf("# nothing")).toEqual(["x.seq:1: there is no packet in it"]);
  });

  it("control: of another verdict, session, state or remaining time is told by file and line", async () => {
    const script = parseScript(
      "x.seq",
      [
        syn.replace("new", "none"),
        syn.replace("accept default-egress new", "drop session established"),
        "session established",
        "session opening, expires 29",
        "session opening",
        "+30 session opening",
      ].join("\n"),
    );
    expect(findFaults(script, 4, "oracle", await oracleJudge.play(script, 4))).toEqual([
      "x.seq:1: expected accept default-egress none, the oracle said accept default-egress new - (IPv4)",
      "x.seq:2: expected drop session established, the oracle said accept session established - (IPv4)",
      "x.seq:3: expected established, the oracle said opening, expires 30 (IPv4)",
      "x.seq:4: expected opening, expires 29, the oracle said opening, expires 30 (IPv4)",
      "x.seq:6: expected opening, the oracle said none (IPv4)",
    ]);
  });
});
