import { execFileSync } from "node:child_process";
import { readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { native } from "../../src/kernel/native.ts";
import { Host } from "../cli/host.ts";
import { compileObject } from "../kernel/compile-object.ts";
import { listLive } from "../support/live-tree.ts";

let host: Host;
let bpffs: string;

beforeAll(async () => {
  host = new Host(19476);
  bpffs = join(host.folder, "bpf");
  await host.startAgent();
});
afterAll(() => host?.remove());

interface Status {
  readonly interfaces: readonly { readonly state: string; readonly problem: string | null }[];
  readonly problems: readonly string[];
  readonly proof: { readonly verified: { readonly differences: readonly object[] } | null };
}
const status = async () => JSON.parse((await host.ringwall("status", "--verify", "--json")).stdout) as Status;
const restored = () =>
  Number(/^ringwall_pins_restored_total (\d+)$/m.exec(host.metrics())?.[1] ?? Number.NaN);

const counted = (what: "detached" | "replaced") =>
  Number(new RegExp(`^ringwall_programs_${what}_total (\\d+)$`, "m").exec(host.metrics())?.[1] ?? Number.NaN);
const detached = () => counted("detached");

/** Kernel ids of the links by pin: one that was attached anew has another. */
function linkIds(): Record<string, number> {
  return Object.fromEntries(
    host.pinnedLinks.map((name) => {
      const words = ["-j", "link", "show", "pinned", join(bpffs, "links", name)];
      const { id }: { id: number } = JSON.parse(execFileSync("bpftool", words, { encoding: "utf8" }));
      return [name, id];
    }),
  );
}

/** Id of the program that a pinned link runs. */
function runsAt(pin: string): number {
  const link = native().BpfLink.openPinned(join(bpffs, "links", pin));
  try {
    return link.info().programId;
  } finally {
    link.close();
  }
}

/** Gives a pinned link a program that lets everything pass. */
function replaceAt(pin: string): void {
  const forge = compileObject("forge");
  const object = native().BpfObject.load({ path: forge.path });
  const link = native().BpfLink.openPinned(join(bpffs, "links", pin));
  try {
    link.update(object.program("pass_all"));
  } finally {
    link.close();
    object.close();
    forge.remove();
  }
}

/** ifindex of the device that a pinned link stands on; 0: it is detached. */
function attachedTo(pin: string): number {
  const link = native().BpfLink.openPinned(join(bpffs, "links", pin));
  try {
    return link.info().ifindex;
  } finally {
    link.close();
  }
}

/** Pings one a millisecond or so while `work` is done; how many got no answer. */
async function pingWhile(work: () => Promise<void>): Promise<number> {
  const { execFile } = await import("node:child_process");
  const words = [
    "netns",
    "exec",
    host.guest(1),
    "ping",
    "-q",
    "-i",
    "0.01",
    "-c",
    "250",
    "-W",
    "60",
    "10.0.0.2",
  ];
  const pinged = new Promise<string>((done) => {
    execFile("ip", words, (_, stdout) => done(stdout));
  });
  await work();
  const [, sent = "0", heard = "0"] = /(\d+) packets transmitted, (\d+) received/.exec(await pinged) ?? [];
  expect(Number(sent)).toBe(250);
  return Number(sent) - Number(heard);
}

describe("an agent whose bpffs or pins are taken away", () => {
  it("mounts and pins all of it again, detaches nothing, and says so", async () => {
    const [pins, ids] = [listLive(bpffs), linkIds()];
    expect(restored()).toBe(0);
    const lost = await pingWhile(async () => {
      // A busy mount cannot be taken away but lazily.
      execFileSync("umount", ["-l", bpffs]);
      await expect.poll(() => listLive(bpffs)).toEqual(pins);
    });
    expect(lost).toBe(0);
    expect(linkIds()).toEqual(ids);
    await expect.poll(restored).toBe(1);
    const { problems, interfaces, proof } = await status();
    expect(problems).toEqual([expect.stringContaining("were taken away once")]);
    expect(interfaces.map(({ state }) => state)).toEqual(["enforcing", "enforcing"]);
    expect(proof.verified?.differences).toEqual([]);
    await expect.poll(() => host.logs).toContain("pins were taken away, and made again");
  });

  it("holds the new mount against a second agent, and is adopted from it", async () => {
    const ids = linkIds();
    await host.stopAgents("SIGKILL");
    const agent = await host.startAgent();
    expect(agent.log).toContain('"adopted":true');
    expect(linkIds()).toEqual(ids);
  });

  it.each(["links", "current/maps", "current/sessions", "current"])("pins %s again", async (folder) => {
    const [pins, ids, before] = [listLive(bpffs), linkIds(), restored()];
    removeBelow(join(bpffs, folder));
    expect(listLive(bpffs)).not.toEqual(pins);
    await expect.poll(() => listLive(bpffs)).toEqual(pins);
    expect(linkIds()).toEqual(ids);
    await expect.poll(restored).toBeGreaterThan(before);
  });

  it.each(["tc-egress", "tc-ingress"])(
    "attaches the program at %s again that somebody detached though its pin stands, and counts it",
    async (hook) => {
      const [pins, ids, before] = [listLive(bpffs), linkIds(), detached()];
      const pin = host.pinnedLinks.find((name) => name.endsWith(hook)) ?? "";
      execFileSync("bpftool", ["link", "detach", "pinned", join(bpffs, "links", pin)]);
      await expect.poll(detached).toBe(before + 1);
      expect(listLive(bpffs)).toEqual(pins);
      const { [pin]: renewed, ...others } = linkIds();
      expect({ ...others, [pin]: ids[pin] }).toEqual(ids);
      expect(renewed).not.toBe(ids[pin]);
      expect(attachedTo(pin)).toBeGreaterThan(0);
      const { interfaces, problems } = await status();
      expect(interfaces.map(({ state }) => state)).toEqual(["enforcing", "enforcing"]);
      expect(problems).toContainEqual(expect.stringMatching(/taken off devices since the agent began/));
      await expect.poll(() => host.logs).toContain("a program was taken off devices");
      expect(host.reaches(1, 2)).toBe(true);
    },
  );

  it.each(["tc-egress", "tc-ingress"])(
    "puts the program at %s back that somebody replaced by link update, and counts it",
    async (hook) => {
      const [ids, before] = [linkIds(), counted("replaced")];
      const pin = host.pinnedLinks.find((name) => name.endsWith(hook)) ?? "";
      const ours = runsAt(pin);
      replaceAt(pin);
      await expect.poll(() => counted("replaced")).toBe(before + 1);
      expect(runsAt(pin)).toBe(ours);
      expect(linkIds()).toEqual(ids);
      const { interfaces, problems } = await status();
      expect(interfaces.map(({ state }) => state)).toEqual(["enforcing", "enforcing"]);
      expect(problems).toContainEqual(expect.stringMatching(/replaced on devices by another one since/));
      await expect.poll(() => host.logs).toContain("a program was replaced on devices by another one");
      expect(host.reaches(1, 2)).toBe(true);
    },
  );

  it("leaves what the next agent adopts, with everything that was in force", async () => {
    await host.stopAgents("SIGKILL");
    const agent = await host.startAgent();
    expect(agent.log).toContain('"adopted":true');
    expect((await status()).proof.verified?.differences).toEqual([]);
    expect(host.reaches(1, 2)).toBe(true);
  });
});

function removeBelow(folder: string): void {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) {
      removeBelow(path);
      execFileSync("rmdir", [path]);
    } else rmSync(path);
  }
}
