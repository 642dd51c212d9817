/** `plan` on a host with real guests: what it says of live sessions is what an apply then does with them. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface, type Interface as Lines } from "node:readline";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { PlanReply } from "../../src/agent/protocol.ts";
import { guestRules, Host } from "./host.ts";
import { writeFiles } from "./program.ts";

const script = fileURLToPath(new URL("udp-flows.mjs", import.meta.url));
const flows = { kept: 600, ended: 400 };
const ports = { kept: 1001, ended: 2001 };

const udp = (range: string) =>
  `      - {direction: ingress, policy: accept, protocol: udp, portRange: ${range}, remote: 10.0.0.0/24}\n`;
const open = guestRules.replace("instances:\n", `${udp("1000/1999")}${udp("2000/2999")}instances:\n`);
const narrowed = guestRules.replace("instances:\n", `${udp("1000/1999")}instances:\n`);

let host: Host;
const children: ChildProcess[] = [];

beforeAll(async () => {
  host = new Host(19478);
  host.writeConfig({ sessions: { established: 4096, answered: 16_384, opening: 16_384 } });
  host.writeRules(open);
  await host.startAgent();
});

afterAll(async () => {
  for (const child of children) child.kill("SIGKILL");
  await host.remove();
});

/** Runs the script in a guest; settles with its lines once it has said the first. */
async function start(
  guest: number,
  ...args: string[]
): Promise<{ child: ChildProcess; lines: Lines; first: string }> {
  const child = spawn("ip", ["netns", "exec", host.guest(guest), process.execPath, script, ...args], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  children.push(child);
  if (child.stdout === null) throw new Error("a guest without output");
  const lines = createInterface({ input: child.stdout });
  const [first] = (await once(lines, "line")) as [string];
  return { child, lines, first };
}

async function plan(rules: string): Promise<PlanReply> {
  const { stdout } = await host.ringwall("plan", writeFiles({ "rules.yaml": rules }), "--json");
  return JSON.parse(stdout) as PlanReply;
}

describe("plan on a host with 1,000 sessions between guests", () => {
  it("names the sessions that an apply ends; precisely these pass no further packet, and come back", async () => {
    await start(2, "serve", String(ports.kept), String(ports.ended));
    const asked = [ports.kept, flows.kept, ports.ended, flows.ended].map(String);
    const { child, lines, first } = await start(1, "open", "10.0.0.2", ...asked);
    const askAgain = async () => {
      child.stdin?.write("again\n");
      const [line] = (await once(lines, "line")) as [string];
      return JSON.parse(line) as Record<string, number>;
    };
    expect(JSON.parse(first)).toEqual({ [ports.kept]: flows.kept, [ports.ended]: flows.ended });

    const { sessions, differences } = await plan(narrowed);
    expect(sessions?.live).toBeGreaterThanOrEqual(2 * (flows.kept + flows.ended));
    expect(sessions).toMatchObject({
      ends: flows.ended,
      resumes: 0,
      // The guest that asked may ask on; the one that was asked hears no more.
      interfaces: [{ interface: "eni-2", ends: flows.ended }],
      peers: [{ peer: "10.0.0.1", ends: flows.ended }],
      rules: [{ reason: "no-rule", rule: null, ends: flows.ended }],
    });
    expect(sessions?.list[0]).toMatchObject({
      localPort: ports.ended,
      remote: "10.0.0.1",
      rule: { group: "sg-web", index: 3 },
      end: { reason: "no-rule" },
    });
    expect(differences[0]).toMatchObject({
      interfaces: ["eni-1", "eni-2"],
      direction: "ingress",
      before: { verdict: "accept" },
      after: { verdict: "drop", reason: "no-rule" },
      packets: [{ services: { list: ["udp 2000-2999"] } }],
    });
    expect((await askAgain())[ports.ended]).toBe(flows.ended);

    await host.ringwall("apply", writeFiles({ "rules.yaml": narrowed }));
    expect(await askAgain()).toEqual({ [ports.kept]: flows.kept, [ports.ended]: 0 });

    const back = await host.ringwall("rollback", "1", "--json");
    const { plan: planned, applied } = JSON.parse(back.stdout) as { plan: PlanReply; applied: unknown };
    expect(planned.sessions).toMatchObject({ ends: 0, resumes: flows.ended });
    expect(applied).toMatchObject({ revision: 3, changed: true });
    expect(await askAgain()).toEqual({ [ports.kept]: flows.kept, [ports.ended]: flows.ended });
    lines.close();
  });
});
