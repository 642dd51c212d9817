/** Holes of other firewalls, by their names: what the agent, its socket and its end left open. A real agent. */
import { type ChildProcess, execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { chownSync, mkdirSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { StatusReply } from "../../src/agent/protocol.ts";
import { Host } from "../cli/host.ts";
import { root } from "../cli/program.ts";
import { hear, startPeer } from "../network/peer.ts";

/** Guest 1 may ask guest 2 on UDP 5000; port 5001 is what must never be heard. */
const rules = (more = "") => `version: 1
networks: {vpc-a: {type: vpc}}
groups:
  sg-t:
    type: basic
    network: vpc-a
    innerAccess: drop
    rules:
      - {direction: ingress, policy: accept, protocol: udp, portRange: 5000/5000, remote: 10.0.0.0/24}
${more}
instances:
  i-1: {interfaces: {eni-1: {device: tap1, network: vpc-a, mac: "02:00:00:00:00:01", addresses: [10.0.0.1], groups: [sg-t]}}}
  i-2: {interfaces: {eni-2: {device: tap2, network: vpc-a, mac: "02:00:00:00:00:02", addresses: [10.0.0.2], groups: [sg-t]}}}
`;

let host: Host;
let sink: ChildProcess;

/** How many datagrams of new flows the closed port heard while `meanwhile` happened, of how many sent. */
async function sprayWhile(
  meanwhile: (heard: () => Promise<number>) => Promise<void>,
): Promise<{ sent: number; heard: number }> {
  const before = Number(await hear(sink, "count"));
  const heard = async () => Number(await hear(sink, "count")) - before;
  const child = startPeer(host.guest(1), "spray", { host: "10.0.0.2", least: 1000 });
  try {
    await hear(child);
    await meanwhile(heard);
    const { sent } = JSON.parse(await hear(child, "end")) as { sent: number };
    return { sent, heard: await heard() };
  } finally {
    child.kill("SIGKILL");
  }
}

async function status(): Promise<StatusReply> {
  return JSON.parse((await host.ringwall("status", "--json")).stdout) as StatusReply;
}

/** Runs a command as nobody; its exit code. */
function asNobody(...command: string[]): number | null {
  const ids = ["--reuid=65534", "--regid=65534", "--clear-groups"];
  return spawnSync("setpriv", [...ids, ...command], { stdio: "ignore" }).status;
}

beforeAll(async () => {
  host = new Host(19488);
  host.writeRules(rules());
  await host.startAgent();
  sink = startPeer(host.guest(2), "sink");
  await hear(sink);
});

afterAll(async () => {
  sink.kill("SIGKILL");
  await host.remove();
});

describe("CVE-2023-27595: programs that were detached for a moment when the agent started", () => {
  it("no packet passes while agents are killed, stopped and started", async () => {
    const { sent, heard } = await sprayWhile(async () => {
      for (const signal of ["SIGKILL", "SIGTERM", "SIGKILL"] as const) {
        await host.stopAgents(signal);
        await host.startAgent();
      }
    });
    console.log(`3 restarts under ${sent} datagrams, ${heard} of them heard at the closed port`);
    expect(sent).toBeGreaterThanOrEqual(1000);
    expect(heard).toBe(0);
  });

  it("control: a rule that opens the port is heard by the same count", async () => {
    host.writeRules(
      rules(
        "      - {direction: ingress, policy: accept, protocol: udp, portRange: 5001/5001, remote: 10.0.0.0/24}",
      ),
    );
    await expect.poll(async () => (await status()).policy.rules).toBe(2);
    await sprayWhile((heard) => expect.poll(heard).toBeGreaterThan(0));
    host.writeRules(rules());
    await expect.poll(async () => (await status()).policy.rules).toBe(1);
  });
});

describe("Proxmox VE: stopping the firewall took all rules away", () => {
  it("an agent that is stopped leaves everything enforced", async () => {
    await host.stopAgents("SIGTERM");
    const { sent, heard } = await sprayWhile(async () => {
      await new Promise((resolve) => setTimeout(resolve, 500));
    });
    expect(sent).toBeGreaterThanOrEqual(1000);
    expect(heard).toBe(0);
    await host.startAgent();
  });

  it("a rule that could not be enforced is refused, not kept in silence", async () => {
    const before = (await status()).policy.revision;
    host.writeRules(
      rules("      - {direction: forward, policy: drop, protocol: tcp, portRange: 1/2, remote: 0.0.0.0/0}"),
    );
    await expect
      .poll(async () => (await status()).policy.refused?.messages.join("\n") ?? "")
      .toMatch(/forward/);
    expect((await status()).policy.revision).toBe(before);
    host.writeRules(rules());
    await expect.poll(async () => (await status()).policy.refused).toBeNull();
  });
});

describe("genestack 1342: a second controller wiped the first one's rules", () => {
  it("a second agent is refused and changes nothing", async () => {
    const before = host.pinnedLinks;
    const second = await host.tryAgent();
    expect(second.code).toBe(1);
    expect(host.pinnedLinks).toEqual(before);
    expect((await status()).interfaces.map(({ state }) => state)).toEqual(["enforcing", "enforcing"]);
  });
});

describe("CVE-2022-29178, CVE-2022-29179: a socket, and rights, that any local user had", () => {
  it("nobody reaches the socket, the pins or the state", () => {
    const state = join(host.folder, "state");
    execFileSync("chmod", ["0711", host.folder]);
    expect(asNobody("test", "-x", host.folder)).toBe(0);
    for (const path of [host.socket, join(host.folder, "bpf", "current"), join(state, "history")]) {
      expect(asNobody("stat", path), path).not.toBe(0);
    }
    expect(asNobody("ls", dirname(host.socket))).not.toBe(0);
    const bits = (path: string) => (statSync(path).mode & 0o777).toString(8);
    expect([dirname(host.socket), host.socket, join(host.folder, "bpf")].map(bits)).toEqual([
      "750",
      "660",
      "700",
    ]);
  });
});

describe("a rules file that is another one between its check and its reading", () => {
  it("never takes effect, however often somebody swaps it", async () => {
    const opens =
      "      - {direction: ingress, policy: accept, protocol: udp, portRange: 5001/5001, remote: 10.0.0.0/24}";
    // A folder of nobody's, to which the store has a link: what stands there is root's, or not.
    const folder = join(host.folder, "nobodys");
    const store = join(host.folder, "rules.d", "rules.yaml");
    mkdirSync(folder);
    writeFileSync(join(folder, "rules.yaml"), rules(), { mode: 0o640 });
    writeFileSync(join(folder, "own"), rules(opens), { mode: 0o644 });
    chownSync(join(folder, "own"), 65534, 65534);
    chownSync(folder, 65534, 65534);
    execFileSync("chmod", ["0711", host.folder]);
    rmSync(store);
    symlinkSync(join(folder, "rules.yaml"), store);
    const swaps = `const { renameSync } = require("node:fs");
process.chdir(${JSON.stringify(folder)});
let count = 0;
const swap = () => {
  const end = Date.now() + 5;
  while (Date.now() < end) {
    for (const [from, to] of [["rules.yaml", "roots"], ["own", "rules.yaml"], ["rules.yaml", "own"], ["roots", "rules.yaml"]])
      renameSync(from, to);
    count++;
  }
  setImmediate(swap);
};
process.on("SIGTERM", () => { console.log(count); process.exit(0); });
swap();`;
    const racer = spawn(process.execPath, ["-e", swaps], {
      uid: 65534,
      gid: 65534,
      stdio: ["ignore", "pipe", "inherit"],
    });
    const said = once(racer.stdout, "data");
    const refusals = new Set<string>();
    try {
      const { heard } = await sprayWhile(async () => {
        // Each agent reads when it starts, and whenever something moves.
        for (let turn = 0; turn < 6; turn++) {
          await host.stopAgents("SIGKILL");
          await host.startAgent();
          for (const message of (await status()).policy.refused?.messages ?? []) refusals.add(message);
        }
      });
      expect(heard).toBe(0);
    } finally {
      racer.kill("SIGTERM");
    }
    const [swapped] = await said;
    console.log(`${String(swapped).trim()} swaps; refused: ${[...refusals].join("; ")}`);
    expect(Number(swapped)).toBeGreaterThan(1000);
    rmSync(store);
    host.writeRules(rules());
    await expect.poll(async () => (await status()).policy.refused).toBeNull();
    expect((await status()).policy.rules).toBe(1);
  });
});

describe("maps and programs that any local user could open", () => {
  it("nobody opens a pin by a system call, or lists what is loaded; root does", () => {
    const pin = join(host.folder, "bpf", "current", "maps", "rw_devices");
    for (const command of [
      ["map", "show", "pinned", pin],
      ["map", "dump", "pinned", pin],
      ["prog", "show"],
    ]) {
      expect(spawnSync("bpftool", command, { stdio: "ignore" }).status, command.join(" ")).toBe(0);
      expect(asNobody("bpftool", ...command), command.join(" ")).not.toBe(0);
    }
  });
});

describe("CVE-2024-33522: an installer with the set-user-ID bit", () => {
  it("no file of the build or of the scripts has one", () => {
    const places = ["build", "bin", "scripts", "addon", "bpf"].map((place) => join(root, place));
    const found = execFileSync("find", [...places, "-perm", "/6000"], { encoding: "utf8" });
    expect(found).toBe("");
    expect(execFileSync("find", [...places, "-name", "main.js"], { encoding: "utf8" })).not.toBe("");
  });
});

describe("OSSA-2014-014 and its kind: one bad rule stopped all later updates", () => {
  it("is refused whole, and every good change after it takes effect", async () => {
    const bad =
      "      - {direction: ingress, policy: accept, protocol: tcp, portRange: 80/80, remote: 10.0.0.0/33}";
    for (let turn = 1; turn <= 5; turn++) {
      host.writeRules(rules(bad));
      await expect.poll(async () => (await status()).policy.refused).not.toBeNull();
      host.writeRules(`${rules()}# ${turn}\n`);
      await expect.poll(async () => (await status()).policy.refused).toBeNull();
    }
    expect((await status()).interfaces.map(({ state }) => state)).toEqual(["enforcing", "enforcing"]);
  });
});
