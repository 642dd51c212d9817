/** What the kernel refuses is said, with its words, and nothing that was in force is given up. */
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { compileObject } from "../kernel/compile-object.ts";
import { guestRules, Host } from "./host.ts";
import { root } from "./program.ts";

let host: Host;
const folders: string[] = [];

beforeAll(() => {
  host = new Host(19480);
});
afterEach(async () => {
  await host.stopAgents("SIGKILL");
  host.package = root;
});
afterAll(async () => {
  await host?.remove();
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

/** A package like the built one, with other kernel programs. */
function packageWith(name: string): string {
  const folder = mkdtempSync(join(tmpdir(), "ringwall-package-"));
  folders.push(folder);
  mkdirSync(join(folder, "build"));
  cpSync(join(root, "package.json"), join(folder, "package.json"));
  for (const part of ["dist", "ringwall.node", "confirm.bpf.o"])
    cpSync(join(root, "build", part), join(folder, "build", part), { recursive: true });
  const object = compileObject(name);
  cpSync(object.path, join(folder, "build", "ringwall.bpf.o"));
  object.remove();
  return folder;
}

interface Report {
  readonly findings: readonly { readonly name: string; readonly result: string; readonly text: string }[];
}
async function diagnose(): Promise<{ readonly code: number | null; readonly findings: Report["findings"] }> {
  const { code, stdout } = await host.ringwall("doctor", "--json", "--bpffs", join(host.folder, "bpf"));
  return { code, findings: (JSON.parse(stdout) as Report).findings };
}

const refusals = {
  refused: /the kernel refused .*ringwall\.bpf\.o.*\n(.*\n)*.*invalid access to packet/,
  helpless: /the kernel refused .*ringwall\.bpf\.o.*\n(.*\n)*.*invalid func unknown#4095/,
} as const;

async function expectRefused(name: keyof typeof refusals): Promise<void> {
  host.package = packageWith(name);
  const outcome = await host.tryAgent();
  expect(outcome.code).toBe(4);
  expect(outcome.stderr).toMatch(refusals[name]);
}

// First: no agent has made its bpffs yet.
describe("a bpffs where other things are", () => {
  it("is refused, and hides nothing", async () => {
    const folder = join(host.folder, "bpf");
    writeFileSync(join(folder, "letter"), "");
    try {
      const { code, stderr } = await host.tryAgent();
      expect({ code, stderr }).toEqual({
        code: 4,
        stderr: expect.stringContaining(`${folder} holds other things`),
      });
      expect(readdirSync(folder)).toEqual(["letter"]);
    } finally {
      rmSync(join(folder, "letter"));
    }
  });
});

describe("programs that this kernel's verifier refuses", () => {
  it("end the agent with 4 and the verifier's last words; a first load leaves nothing behind", async () => {
    await expectRefused("refused");
    expect(host.reaches(1, 2)).toBe(true);
    const { code, findings } = await diagnose();
    expect(code).toBe(1);
    const said = findings.find((one) => one.name === "programs");
    expect(said).toMatchObject({ result: "missing", text: expect.stringMatching(refusals.refused) });
    const { stdout } = await host.ringwall("doctor", "--bpffs", join(host.folder, "bpf"));
    // The verifier's words under the table, which stays one line a finding.
    expect(stdout).toMatch(/^programs +missing +the kernel refused .*\n[^\n]/m);
    expect(stdout).toMatch(/\n\nprograms: the kernel refused .*\n(.*\n)*.*invalid access to packet/);
    expect(stdout).not.toContain("\\u000a");
    host.package = root;
    await host.startAgent();
    expect((await diagnose()).findings).toContainEqual(
      expect.objectContaining({ name: "devices", result: "ok" }),
    );
  });

  it("leave what enforces as it is, for the next agent to adopt; so do those that call a helper of later kernels", async () => {
    host.writeRules(guestRules.replace("protocol: icmp", "protocol: gre"));
    await host.startAgent();
    await host.stopAgents("SIGTERM");
    const pins = host.pinnedLinks;
    expect(pins).toHaveLength(4);
    for (const name of ["refused", "helpless"] as const) {
      await expectRefused(name);
      expect(host.pinnedLinks).toEqual(pins);
      expect(host.ping(1, 2)).toBe(false);
    }
    host.package = root;
    const agent = await host.startAgent();
    expect(agent.log).toContain('"adopted":true');
    expect(host.ping(1, 2)).toBe(false);
    host.writeRules(guestRules);
  });
});

describe("a device that no program can protect", () => {
  const rules = guestRules.replace(
    "  i-1:",
    '  i-9: {interfaces: {eni-9: {device: odd0, network: vpc-a, mac: "02:00:00:00:00:09", addresses: [10.0.0.9], groups: [sg-web]}}}\n  i-1:',
  );
  const isUp = () => host.ip("link", "show", "dev", "odd0").includes(",UP");

  it.each([
    ["closed", false, /the device was set down \(onFailure: closed\)/],
    ["open", true, /the device is open \(onFailure: open\)/],
  ])("is never open in silence (onFailure: %s)", async (onFailure, stays, words) => {
    host.ip("tuntap", "add", "odd0", "mode", "tun");
    host.ip("link", "set", "odd0", "up");
    host.writeRules(rules);
    host.writeConfig({ onFailure });
    try {
      await host.startAgent();
      expect(isUp()).toBe(stays);
      const status = JSON.parse((await host.ringwall("status", "--json")).stdout);
      expect(status.interfaces.find(({ id }: { id: string }) => id === "eni-9")).toMatchObject({
        state: "failed",
        mode: null,
        problem: expect.stringMatching(words),
      });
      expect(host.metrics()).toContain('ringwall_interfaces{state="failed"} 1');
      const { code, findings } = await diagnose();
      expect(code).toBe(1);
      expect(findings).toContainEqual({
        name: "eni-9 (odd0)",
        result: "missing",
        text: expect.stringMatching(words),
        remedy: expect.any(String),
      });
    } finally {
      await host.stopAgents("SIGTERM");
      host.ip("link", "del", "odd0");
      host.writeRules(guestRules);
      host.writeConfig({});
    }
  });

  it.each(["killed", "told to detach"])("is up again after a detach (agent %s)", async (how) => {
    host.ip("tuntap", "add", "odd0", "mode", "tun");
    host.ip("link", "set", "odd0", "up");
    host.writeRules(rules);
    try {
      await host.startAgent(...(how === "killed" ? [] : ["--detach-on-exit"]));
      expect(isUp()).toBe(false);
      await host.stopAgents(how === "killed" ? "SIGKILL" : "SIGTERM");
      if (how === "killed") {
        const state = ["--state-dir", join(host.folder, "state")];
        const { code, stderr } = await host.ringwall("detach", "--yes", ...host.paths, ...state);
        expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
      }
      expect(isUp()).toBe(true);
      expect(existsSync(join(host.folder, "state", "set-down.json"))).toBe(false);
    } finally {
      host.ip("link", "del", "odd0");
      host.writeRules(guestRules);
    }
  });

  it("is up again once it is released, where its interface left the rules", async () => {
    host.ip("tuntap", "add", "odd0", "mode", "tun");
    host.ip("link", "set", "odd0", "up");
    host.writeRules(rules);
    try {
      await host.startAgent();
      host.writeRules(guestRules);
      host.signalAgents("SIGHUP");
      const removed = async () => JSON.parse((await host.ringwall("status", "--json")).stdout).removed;
      await expect.poll(removed).toMatchObject([{ device: "odd0" }]);
      expect(isUp()).toBe(false);
      const { code, stderr } = await host.ringwall("interface", "release", "odd0", "--yes");
      expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
      expect(isUp()).toBe(true);
      expect(await removed()).toEqual([]);
    } finally {
      await host.stopAgents("SIGTERM");
      host.ip("link", "del", "odd0");
      host.writeRules(guestRules);
    }
  });
});
