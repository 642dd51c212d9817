/** Open vSwitch with its own connection tracking, on its datapath in user space: a kernel module is not everywhere. */
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type Place, switchOffloadsOff } from "../../network/links.ts";
import { type Bed, guests, tapOf } from "./guests.ts";
import type { Lane } from "./lanes.ts";
import type { RuleSet } from "./rules.ts";
import { writeOvs } from "./write-ovs.ts";

/** Where Open vSwitch's programs are. */
const vswitchd = "/usr/sbin/ovs-vswitchd";
const schema = "/usr/share/openvswitch/vswitch.ovsschema";

export const hasOvs = (): boolean => existsSync(vswitchd) && existsSync(schema);

class Ovs implements Lane {
  readonly #host: Place;
  readonly #folder = mkdtempSync(join(tmpdir(), "ringwall-ovs-"));
  readonly #children: ChildProcess[] = [];

  constructor(host: Place) {
    this.#host = host;
  }

  async open(): Promise<void> {
    const [database, socket] = [join(this.#folder, "conf.db"), join(this.#folder, "db.sock")];
    this.#run("ovsdb-tool", ["create", database, schema]);
    this.#start("ovsdb-server", [database, `--remote=punix:${socket}`, `--unixctl=${this.#control("db")}`]);
    await waitFor(socket);
    this.#vsctl("--no-wait", "init");
    this.#start(vswitchd, [`unix:${socket}`, "--pidfile", `--unixctl=${this.#control("switch")}`]);
    await waitFor(this.#control("switch"));
    this.#vsctl(
      "add-br",
      "br-int",
      "--",
      "set",
      "bridge",
      "br-int",
      "datapath_type=netdev",
      "fail_mode=secure",
    );
    for (const guest of guests) {
      const port = ["--", "set", "interface", tapOf(guest), `ofport_request=${guest}`];
      this.#vsctl("add-port", "br-int", tapOf(guest), ...port);
    }
    this.#appctl("dpctl/ct-set-maxconns", "2000000");
  }

  #control(name: string): string {
    return join(this.#folder, `${name}.ctl`);
  }

  #words(program: string, words: readonly string[]): string[] {
    return [
      "-i",
      `OVS_RUNDIR=${this.#folder}`,
      `OVS_DBDIR=${this.#folder}`,
      `PATH=/usr/sbin:/usr/bin:/sbin:/bin`,
      program,
      ...words,
    ];
  }

  #start(program: string, words: readonly string[]): void {
    const quiet = ["--no-chdir", "-vconsole:off", "-vsyslog:off", "-vfile:off"];
    // It ends with this process, however that ends.
    const bound = ["--pdeathsig", "KILL", "env", ...this.#words(program, [...words, ...quiet])];
    this.#children.push(this.#host.spawn("setpriv", bound));
  }

  #run(program: string, words: readonly string[], input = ""): string {
    return this.#host.run("env", this.#words(program, words), input);
  }

  #vsctl(...words: string[]): void {
    this.#run("ovs-vsctl", [`--db=unix:${join(this.#folder, "db.sock")}`, "--timeout=10", ...words]);
  }

  #appctl(...words: string[]): string {
    return this.#run("ovs-appctl", ["-t", this.#control("switch"), ...words]);
  }

  async setRules(rules: RuleSet): Promise<void> {
    const switchName = `unix:${join(this.#folder, "br-int.mgmt")}`;
    this.#run("ovs-ofctl", ["-O", "OpenFlow14", "replace-flows", switchName, "-"], writeOvs(rules));
  }

  forget(): void {
    this.#appctl("dpctl/flush-conntrack");
  }

  sessionShare(): null {
    return null;
  }

  async close(): Promise<void> {
    for (const child of this.#children.reverse()) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      const gone = once(child, "exit");
      child.kill("SIGTERM");
      await gone;
    }
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

async function waitFor(path: string): Promise<void> {
  for (let turn = 0; turn < 200; turn++) {
    if (existsSync(path)) return;
    await sleep(25);
  }
  throw new Error(`${path} did not appear`);
}

/**
 * Its datapath in user space takes frames as they stand: checksums that are left to a device, and what is longer than
 * the MTU, it drops. So the guests with a stack send and get plain frames.
 */
function speakPlainly({ host, client, server }: Bed): void {
  for (const guest of [3, 4] as const) switchOffloadsOff(host, tapOf(guest));
  for (const place of [client, server]) switchOffloadsOff(place, "eth0");
}

export async function openOvs(bed: Bed): Promise<Lane> {
  speakPlainly(bed);
  const ovs = new Ovs(bed.host);
  try {
    await ovs.open();
  } catch (error) {
    await ovs.close();
    throw error;
  }
  return ovs;
}
