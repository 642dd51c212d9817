import { describe, expect, it } from "vitest";
import { planSessions, type SessionQuestion } from "../../../src/agent/plan-sessions.ts";
import type { Session } from "../../../src/kernel/status.ts";
import { address, bed } from "../../support/bed.ts";
import { makeSession } from "../../support/made-up.ts";
import { drain, enforceable } from "../policy/diff/support.ts";

const before = enforceable(bed());
const inForce = {
  ...before,
  model: before.resolved.model,
  files: [],
  digest: "",
  revision: 1,
  applied: "",
  notes: [],
};

const session = (fields: Partial<Session> = {}) =>
  makeSession({
    interface: "eni-1",
    local: address("192.0.2.11"),
    remote: address("198.51.100.7"),
    rule: null,
    ...fields,
  });

const refuseAll: SessionQuestion["judge"] = () => ({ reason: "no-rule", rule: null });
const plan = (sessions: readonly Session[], fields: Partial<SessionQuestion> = {}) =>
  drain(
    planSessions({
      sessions,
      judge: refuseAll,
      touched: new Set(["eni-1"]),
      inForce,
      established: "revalidate",
      most: 10,
      ...fields,
    }),
  );

describe("sessions that a change would end", () => {
  it("are counted by interface, peer and rule, the most first, and told by bytes", () => {
    const sessions = [
      session({ bytes: 1n }),
      session({ bytes: 7n, remote: address("203.0.113.9") }),
      session({ bytes: 3n, interface: "eni-2" }),
    ];
    expect(plan(sessions, { most: 2 })).toMatchObject({
      live: 3,
      ends: 3,
      interfaces: [
        { interface: "eni-1", live: 2, ends: 2, bytes: 8 },
        { interface: "eni-2", live: 1, ends: 1, bytes: 3 },
      ],
      peers: [
        { peer: "198.51.100.7", ends: 2, bytes: 4 },
        { peer: "203.0.113.9", ends: 1, bytes: 7 },
      ],
      rules: [{ reason: "no-rule", rule: null, ends: 3, bytes: 11 }],
      list: [{ bytes: 7 }, { bytes: 3 }],
      more: 1,
    });
  });

  it("are none that are revoked already, and no remembered fragments", () => {
    const sessions = [session({ revoked: true }), session({ state: "fragment" })];
    expect(plan(sessions)).toMatchObject({ live: 1, ends: 0, resumes: 0 });
  });

  it("go on again where they were revoked and are accepted, at interfaces that the change touches", () => {
    const revoked = session({ revoked: true });
    const acceptAll = () => null;
    expect(plan([revoked], { judge: acceptAll }).resumes).toBe(1);
    expect(plan([{ ...revoked, ended: true }], { judge: acceptAll }).resumes).toBe(0);
    expect(plan([revoked], { judge: acceptAll, touched: new Set() }).resumes).toBe(0);
    expect(plan([revoked], { judge: acceptAll, established: "keep" }).resumes).toBe(0);
  });

  it("are kept under `keep`, but for interfaces that leave the host", () => {
    expect(plan([session()], { established: "keep" }).ends).toBe(0);
    const gone: SessionQuestion["judge"] = () => ({ reason: "not-ready", rule: null });
    expect(plan([session()], { established: "keep", judge: gone }).ends).toBe(1);
  });
});
