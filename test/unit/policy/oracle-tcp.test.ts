import { describe, expect, it } from "vitest";
import { bed } from "../../support/bed.ts";
import { tcp } from "../../support/packet.ts";
import {
  type Play,
  passed,
  play,
  received,
  sent,
  shakeHands,
  tcpIn,
  tcpOut,
  toGuest4,
  toPeer4,
} from "./oracle-play.ts";

const noRule = "drop no-rule none";
const data = tcpIn("A", { sequence: 5001, acknowledgement: 1001 }, 10);

/** How long the session of the handshake's ports lives from `time` on, by its timeout. */
function phase(one: Play, time = 0): string {
  const [session] = one.oracle.sessions("eni-1", time);
  return session?.state.kind === "tcp" ? session.state.tcp.phase : "none";
}

describe("a TCP session is established", () => {
  it("when both ends have acknowledged, not by a SYN-ACK alone", () => {
    const one = play(bed());
    one.out(tcpOut("S", { sequence: 1000 }));
    expect(phase(one)).toBe("opening");
    one.into(tcpIn("SA", { sequence: 5000, acknowledgement: 1001 }));
    expect(phase(one)).toBe("opening");
    one.out(tcpOut("A", { sequence: 1001, acknowledgement: 5001 }));
    expect(phase(one)).toBe("established");
    expect(one.into(data, 909)).toBe(passed);
    expect(one.into(data, 909 + 911)).toBe(noRule);
  });

  it("not by acknowledgements of what was never sent", () => {
    const one = play(bed());
    one.out(tcpOut("S", { sequence: 1000 }));
    one.into(tcpIn("SA", { sequence: 5000, acknowledgement: 1001 }));
    one.out(tcpOut("A", { sequence: 1001, acknowledgement: 5002 }));
    expect(phase(one)).toBe("opening");
    one.out(tcpOut("A", { sequence: 1001, acknowledgement: 5000 }));
    expect(phase(one)).toBe("opening");
  });

  it("by a simultaneous open", () => {
    const one = play(bed([{ protocol: "tcp", remote: "0.0.0.0/0" }]));
    one.out(tcpOut("S", { sequence: 1000 }));
    expect(one.into(tcpIn("S", { sequence: 5000 }), 20)).toBe(passed);
    one.out(tcpOut("SA", { sequence: 1000, acknowledgement: 5001 }), 40);
    one.into(tcpIn("SA", { sequence: 5000, acknowledgement: 1001 }), 40);
    expect(phase(one, 40)).toBe("established");
    expect(one.oracle.sessions("eni-1", 40)).toHaveLength(1);
  });

  it("with sequence numbers that wrap", () => {
    const one = play(bed());
    one.out(tcpOut("S", { sequence: 0xffffffff }));
    one.into(tcpIn("SA", { sequence: 0xfffffffe, acknowledgement: 0 }));
    one.out(tcpOut("A", { sequence: 0, acknowledgement: 0xffffffff }));
    expect(phase(one)).toBe("established");
  });

  it("a stale SYN-ACK with a wrong acknowledgement does not spoil the right one", () => {
    const one = play(bed());
    one.out(tcpOut("S", { sequence: 1000 }));
    expect(one.into(tcpIn("SA", { sequence: 9000, acknowledgement: 77 }), 29)).toBe(passed);
    expect(phase(one, 29)).toBe("opening");
    expect(one.into(tcpIn("SA", { sequence: 5000, acknowledgement: 1001 }), 29)).toBe(passed);
    one.out(tcpOut("A", { sequence: 1001, acknowledgement: 5001 }), 29);
    expect(phase(one, 29)).toBe("established");
  });
});

describe("opening", () => {
  it("a repeated SYN does not prolong it", () => {
    const one = play(bed());
    one.out(tcpOut("S", { sequence: 1000 }));
    expect(one.out(tcpOut("S", { sequence: 1000 }), 20)).toBe(passed);
    expect(one.out(tcpOut("S", { sequence: 1000 }), 31)).toBe("accept default-egress new");
  });

  it("a SYN with a new sequence is the one that is answered", () => {
    const one = play(bed());
    one.out(tcpOut("S", { sequence: 1000 }));
    one.out(tcpOut("S", { sequence: 8000 }), 1);
    one.into(tcpIn("SA", { sequence: 5000, acknowledgement: 8001 }), 1);
    one.out(tcpOut("A", { sequence: 8001, acknowledgement: 5001 }), 1);
    expect(phase(one, 1)).toBe("established");
  });

  it("a RST counts when it acknowledges the SYN, not otherwise", () => {
    const one = play(bed());
    one.out(tcpOut("S", { sequence: 1000 }));
    one.into(tcpIn("RA", { acknowledgement: 1002 }));
    expect(phase(one)).toBe("opening");
    one.into(tcpIn("R", { sequence: 0, acknowledgement: 1001 }));
    expect(phase(one)).toBe("opening");
    one.into(tcpIn("RA", { acknowledgement: 1001 }));
    expect(phase(one)).toBe("closing");
  });
});

describe("established", () => {
  it("a SYN passes, changes and refreshes nothing", () => {
    const one = play(bed());
    shakeHands(one);
    expect(one.out(tcpOut("S", { sequence: 77 }), 900)).toBe(passed);
    expect(one.into(data, 911)).toBe(noRule);
  });

  it("neither does a SYN-ACK, right or stale", () => {
    const one = play(bed());
    shakeHands(one);
    expect(one.into(tcpIn("SA", { sequence: 5000, acknowledgement: 1001 }), 900)).toBe(passed);
    expect(one.into(tcpIn("SA", { sequence: 9, acknowledgement: 77 }), 901)).toBe(passed);
    expect(one.into(data, 911)).toBe(noRule);
  });

  it("an exact RST closes, one before and one after does not", () => {
    for (const [sequence, right] of [
      [5000, "established"],
      [5001, "closing"],
      [5002, "established"],
    ] as const) {
      const one = play(bed());
      shakeHands(one);
      expect(one.into(tcpIn("R", { sequence }))).toBe(passed);
      expect(phase(one)).toBe(right);
    }
  });

  it("the exact sequence is that after the last data", () => {
    const one = play(bed());
    shakeHands(one);
    one.into(data);
    one.into(tcpIn("R", { sequence: 5001 }));
    expect(phase(one)).toBe("established");
    one.into(tcpIn("R", { sequence: 5011 }));
    expect(phase(one)).toBe("closing");
  });

  it("a RST that does not count refreshes nothing", () => {
    const one = play(bed());
    shakeHands(one);
    expect(one.into(tcpIn("R", { sequence: 1 }), 900)).toBe(passed);
    expect(one.into(data, 911)).toBe(noRule);
  });

  it("once a FIN was seen any RST closes", () => {
    const one = play(bed());
    shakeHands(one);
    one.out(tcpOut("FA", { sequence: 1001, acknowledgement: 5001 }));
    expect(phase(one)).toBe("established");
    one.into(tcpIn("R", { sequence: 123456 }));
    expect(phase(one)).toBe("closing");
  });

  it("a half-closed session keeps the established timeout", () => {
    const one = play(bed());
    shakeHands(one);
    one.out(tcpOut("FA", { sequence: 1001, acknowledgement: 5001 }), 5);
    expect(one.into(data, 900)).toBe(passed);
    one.into(tcpIn("FA", { sequence: 5011, acknowledgement: 1002 }), 901);
    expect(phase(one, 901)).toBe("closing");
    expect(one.out(tcpOut("A", { sequence: 1002, acknowledgement: 5012 }), 910)).toBe(passed);
    expect(phase(one, 921)).toBe("none");
  });

  it("a FIN with data that was sent before is right, one ahead of it is not", () => {
    const one = play(bed());
    shakeHands(one);
    one.into(data);
    one.into(tcpIn("FA", { sequence: 5012, acknowledgement: 1001 }, 5));
    one.out(tcpOut("FA", { sequence: 1001, acknowledgement: 5011 }));
    expect(phase(one)).toBe("established");
    one.into(tcpIn("FA", { sequence: 5006, acknowledgement: 1001 }, 5));
    expect(phase(one)).toBe("closing");
  });

  it("data far ahead does not move what an exact RST is", () => {
    const one = play(bed());
    shakeHands(one);
    expect(one.into(tcpIn("A", { sequence: 5001 + 2 ** 30, acknowledgement: 1001 }, 10))).toBe(passed);
    one.into(tcpIn("R", { sequence: 5001 }));
    expect(phase(one)).toBe("closing");
  });

  it("no packet is dropped for its window", () => {
    const one = play(bed());
    shakeHands(one);
    expect(one.into(tcpIn("A", { sequence: 3000000000, acknowledgement: 17 }, 1000))).toBe(passed);
  });
});

describe("closing", () => {
  const open = [{ protocol: "tcp", remote: "198.51.100.0/24" }] as const;
  const close = (one: Play): void => {
    shakeHands(one);
    one.into(tcpIn("R", { sequence: 5001 }));
  };

  it("a SYN is judged anew by the rules of its own direction", () => {
    const strict = play(bed());
    close(strict);
    expect(strict.into(tcpIn("S", { sequence: 70000 }), 1)).toBe(noRule);
    expect(phase(strict, 1)).toBe("closing");
    expect(strict.into(data, 1)).toBe(passed);
    const free = play(bed(open));
    close(free);
    expect(free.into(tcpIn("S", { sequence: 70000 }), 1)).toBe("accept rule new");
    expect(phase(free, 1)).toBe("opening");
  });

  it("an acknowledgement does not bring it back", () => {
    const one = play(bed());
    close(one);
    one.out(tcpOut("A", { sequence: 1001, acknowledgement: 5001 }), 5);
    expect(phase(one, 5)).toBe("closing");
    expect(one.into(data, 16)).toBe(noRule);
  });
});

describe("midstream", () => {
  const inward = tcpIn("A", { sequence: 500, acknowledgement: 900 }, 20);
  const outward = tcpOut("A", { sequence: 900, acknowledgement: 520 }, 5);
  const allowed = [{ protocol: "tcp", ports: "40443/40443", remote: "198.51.100.0/24" }] as const;

  it("a packet to the guest is judged by its own rules", () => {
    expect(play(bed()).into(inward)).toBe(noRule);
    expect(play(bed(allowed)).into(inward)).toBe("accept rule new");
  });

  it("a packet from the guest first as an answer, so that ingress rules can end it", () => {
    const one = play(bed(allowed));
    expect(one.out(outward)).toBe("accept rule new");
    expect(one.oracle.sessions("eni-1", 0)[0]?.origin).toBe("ingress");
    one.oracle.change(bed());
    expect(one.out(outward)).toBe(noRule);
  });

  it("else by the rules of its own direction", () => {
    const one = play(bed());
    expect(one.out(outward)).toBe("accept default-egress new");
    expect(one.oracle.sessions("eni-1", 0)[0]?.origin).toBe("egress");
    expect(play(bed([{ direction: "egress", policy: "drop", remote: "0.0.0.0/0" }])).out(outward)).toBe(
      "drop rule none",
    );
  });

  it("is opening until both ends have acknowledged", () => {
    const one = play(bed());
    one.out(outward);
    expect(phase(one)).toBe("opening");
    one.into(tcpIn("A", { sequence: 520, acknowledgement: 905 }, 3), 1);
    expect(phase(one, 1)).toBe("opening");
    one.out(tcpOut("A", { sequence: 905, acknowledgement: 523 }), 2);
    expect(phase(one, 2)).toBe("established");
  });

  it("both FINs close what was picked up as it ended, and the next SYN is judged anew", () => {
    const one = play(bed());
    one.out(tcpOut("FA", { sequence: 900, acknowledgement: 520 }));
    one.into(tcpIn("FA", { sequence: 520, acknowledgement: 901 }));
    expect(phase(one)).toBe("closing");
    expect(one.into(tcpIn("S", { sequence: 9 }), 1)).toBe(noRule);
  });

  it("a SYN-ACK or a RST is judged, and makes no session", () => {
    for (const flags of ["SA", "R", "RA"]) {
      const one = play(bed(allowed));
      expect(one.into(tcpIn(flags))).toBe("accept rule none");
      expect(one.out(tcpOut(flags))).toBe("accept rule none");
      expect(phase(one)).toBe("none");
    }
  });

  it("is dropped where the operator says so, a SYN is not", () => {
    const one = play(bed(allowed), { midstream: "drop" });
    expect(one.into(inward)).toBe("drop midstream none");
    expect(one.out(outward)).toBe("drop midstream none");
    expect(one.into(tcpIn("S"))).toBe("accept rule new");
  });

  it("no scan gets through closed ports", () => {
    const one = play(bed());
    for (const flags of ["A", "F", "FPU", "P", "R", "SA"]) expect(one.into(tcpIn(flags))).toBe(noRule);
  });
});

describe("a revoked TCP session", () => {
  const ingress = [{ protocol: "tcp", ports: "22/22", remote: "198.51.100.0/24" }] as const;
  const ask = (flags: string, time = 0): readonly [Uint8Array, number] => [
    received(
      toGuest4,
      tcp({ sourcePort: 50022, destinationPort: 22, flags, sequence: 101, acknowledgement: 701 }),
    ),
    time,
  ];
  const answer = (flags: string): Uint8Array =>
    sent(
      toPeer4,
      tcp({ sourcePort: 22, destinationPort: 50022, flags, sequence: 701, acknowledgement: 102 }),
    );

  it("is refused with the rules' reason once, then in either direction, without time limit", () => {
    const one = play(bed(ingress));
    expect(one.into(...ask("S"))).toBe("accept rule new");
    one.oracle.change(bed());
    expect(one.out(answer("SA"))).toBe(noRule);
    expect(one.into(...ask("A"))).toBe("drop revoked none");
    expect(one.out(answer("A"))).toBe("drop revoked none");
    expect(one.into(...ask("A", 100000))).toBe("drop revoked none");
  });

  it("goes on when a later change allows its original direction", () => {
    const one = play(bed(ingress));
    one.into(...ask("S"));
    one.oracle.change(bed());
    one.into(...ask("A"));
    one.oracle.change(bed(ingress));
    expect(one.out(answer("A"), 5000)).toBe(passed);
  });

  it("is not revived by a change that leaves it refused", () => {
    const one = play(bed(ingress));
    one.into(...ask("S"));
    one.oracle.change(bed());
    one.into(...ask("A"));
    one.oracle.change(bed([{ policy: "drop", remote: "0.0.0.0/0" }]));
    expect(one.out(answer("A"))).toBe("drop revoked none");
  });

  it("gives way to a SYN that its own direction's rules accept", () => {
    const one = play(bed(ingress));
    one.into(...ask("S"));
    one.oracle.change(bed());
    one.into(...ask("A"));
    expect(one.into(...ask("S"))).toBe("drop revoked none");
    expect(one.out(answer("S"))).toBe("accept default-egress new");
    expect(one.into(...ask("A"))).toBe(passed);
  });

  it("is kept where the operator says so", () => {
    const one = play(bed(ingress), { establishedSessions: "keep" });
    one.into(...ask("S"));
    one.oracle.change(bed());
    expect(one.into(...ask("A"))).toBe(passed);
  });

  it("a rule that expires ends what only it allows, without a change", () => {
    const one = play(bed([{ ...ingress[0], expires: 10 }]));
    expect(one.into(...ask("S", 9))).toBe("accept rule new");
    expect(one.into(...ask("A", 10))).toBe(noRule);
    expect(one.into(...ask("A", 11))).toBe("drop revoked none");
  });

  it("what the new rules still allow goes on", () => {
    const one = play(bed(ingress));
    one.into(...ask("S"));
    one.oracle.change(bed([{ protocol: "all", remote: "198.51.100.80/32" }]));
    expect(one.into(...ask("A"))).toBe(passed);
  });
});
