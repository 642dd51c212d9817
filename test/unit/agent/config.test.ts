import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { defaultConfig, loadConfig, parseConfig } from "../../../src/agent/config.ts";
import { formatDiagnostic } from "../../../src/model/diagnostic.ts";
import { exampleConfig } from "../model/example.ts";

const parse = (text: string) => parseConfig({ path: "agent.yaml", text });

/** The only message about a text, without the file's name. */
function complain(text: string): string {
  const { config, diagnostics } = parse(text);
  expect(config).toBeNull();
  expect(diagnostics).toHaveLength(1);
  return diagnostics
    .map(formatDiagnostic)
    .join("")
    .replace(/^agent\.yaml:/, "");
}

describe("agent.yaml", () => {
  it("that is empty, or a comment, means the defaults", () => {
    expect(parse("").config).toEqual(defaultConfig());
    expect(parse("# nothing\n").config).toEqual(defaultConfig());
    expect(defaultConfig().host).toBe(hostname());
  });

  it("with every key of the documentation at its default value is the defaults, too", () => {
    const { config, diagnostics } = parse(exampleConfig);
    expect(diagnostics).toEqual([]);
    const uplinks = [{ device: "eth0", networks: null }];
    expect(config).toEqual({ ...defaultConfig(), host: "kvm-7", uplinks });
  });

  it("changes what it names and nothing else", () => {
    const text =
      "sessions: {memory: 0.5%}\ntimeouts: {icmp: 20}\nuplinks: [{device: eth1, networks: [vpc-a]}]\n";
    const defaults = defaultConfig();
    expect(parse(text).config).toEqual({
      ...defaults,
      sessions: { ...defaults.sessions, memory: 0.005 },
      timeouts: { ...defaults.timeouts, icmp: 20 },
      uplinks: [{ device: "eth1", networks: ["vpc-a"] }],
    });
  });

  it.each([
    ["atach: auto", "1:1: unknown key `atach`: write `attach`"],
    ["on_failure: open", "1:1: unknown key `on_failure`: write `onFailure`"],
    ["onFailure: close", "1:12: `onFailure`: `close` is not right: write `closed`"],
    [
      "timeouts: {tcpEstablished: 911}",
      "1:28: `tcpEstablished`: `911` is not possible: write seconds, 1 to 910",
    ],
    ["timeouts: {icmp: 0}", "1:18: `icmp`: `0` is not possible: write seconds, 1 to 910"],
    ["timeouts: {icmp: 1.5}", "1:18: `icmp`: `1.5` is not possible: write seconds, 1 to 910"],
    ['timeouts: {icmp: "60"}', "1:18: `icmp`: the quotes make `60` a text: write `60`"],
    [
      "sessions: {opening: 511}",
      "1:21: `opening`: `511` is not possible: write a number of sessions, 512 to 4194304",
    ],
    ["sessions: {memory: 2}", "1:20: `memory`: `2` is no share of the RAM: write `2%`"],
    ["sessions: {memory: 90%}", "1:20: `memory`: `90%` is no share of the RAM: write 0.1% to 50%"],
    ["uplinks: eth0", "1:10: `uplinks`: `eth0` is not right: write `[eth0]`"],
    ["uplinks: [eth0, eth0]", "1:17: the device `eth0` stands twice: leave one out"],
    ["uplinks: [{device: eth0, network: [a]}]", "1:26: unknown key `network`: write `networks`"],
    ["metrics: {listen: 9470}", '1:19: `listen`: `9470` is no address with a port: write `"127.0.0.1:9470"`'],
    ["socket: {group: 1000}", "1:17: `1000` is no name of a system group: write a name, never a number"],
    ["store: {file: rules.d}", "1:15: `rules.d` is no absolute path: write one that begins with `/`"],
    ["host: kvm 7", "1:7: `kvm 7` is no host's name: write letters, digits, `.` and `-`"],
    ["- host", "1:1: a list cannot stand here: write a map, `{key: value}`"],
    [
      "host: a\nhost: b",
      "2:1: the key `host` stands twice in one map: leave one out; the first one is at agent.yaml:1:1",
    ],
  ])("%j: %s", (text, message) => {
    expect(complain(text)).toBe(message);
  });

  it("names everything that is wrong at once", () => {
    const { diagnostics } = parse("attach: x\nmidstream: y\nnope: 1\nlog: {level: z}\n");
    expect(diagnostics.map(({ place }) => place?.line)).toEqual([1, 2, 3, 4]);
  });

  it("is loaded from a path that exists, and from nobody's but root's", async () => {
    const folder = mkdtempSync(join(tmpdir(), "ringwall-config-"));
    const path = join(folder, "agent.yaml");
    try {
      expect((await loadConfig(path)).diagnostics.map(({ code }) => code)).toEqual(["file-unreadable"]);
      writeFileSync(path, "host: kvm-9\n", { mode: 0o644 });
      expect((await loadConfig(path)).config?.host).toBe("kvm-9");
      chmodSync(path, 0o666);
      expect((await loadConfig(path)).diagnostics.map(({ code }) => code)).toEqual(["file-access"]);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
