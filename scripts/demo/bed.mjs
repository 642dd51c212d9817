// A host with two guests and a visitor, each a namespace of its own; nothing of the machine's own is touched.
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const ip = (...args) => execFileSync("ip", args, { stdio: ["ignore", "pipe", "pipe"] });

/** Who is there. The visitor is nobody's guest: a machine elsewhere on the network. */
export const people = {
  web: { mac: "02:00:00:00:50:0b", ipv4: "10.80.0.11", ipv6: "2001:db8:80::11" },
  db: { mac: "02:00:00:00:50:0c", ipv4: "10.80.0.12", ipv6: "2001:db8:80::12" },
  visitor: { mac: "02:00:00:00:50:32", ipv4: "10.80.0.50", ipv6: "2001:db8:80::50" },
};

// Answers on its ports until it is ended.
const listener = `for (const port of [22, 80, 5432])
  require("net").createServer((s) => s.on("error", () => {}).end("hello")).listen(port, "::");
console.log("listening");`;

// Tries every [address, port] at once, prints a list of true and false. A busy machine takes no turn away.
const caller = `const net = require("net");
const attempt = async ([host, port]) => {
  let open = null;
  const socket = net.connect({ host, port });
  socket.on("connect", () => (open ??= true)).on("error", () => (open ??= false));
  for (let turn = 0; turn < 35 && open === null; turn++) await new Promise((done) => setTimeout(done, 20));
  socket.destroy();
  return open ?? false;
};
Promise.all(JSON.parse(process.argv[1]).map(attempt)).then((all) => console.log(JSON.stringify(all)));`;

export class Bed {
  folder = mkdtempSync(join(tmpdir(), "ringwall-demo-"));
  #name = `rwdemo-${process.pid}`;
  #children = [];

  namespace(who) {
    return `${this.#name}-${who}`;
  }

  make() {
    ip("netns", "add", this.#name);
    ip("-n", this.#name, "link", "set", "lo", "up");
    ip("-n", this.#name, "link", "add", "br0", "type", "bridge");
    ip("-n", this.#name, "link", "set", "br0", "up");
    for (const [who, { mac, ipv4, ipv6 }] of Object.entries(people)) {
      const guest = this.namespace(who);
      ip("netns", "add", guest);
      ip(
        "link",
        "add",
        `tap-${who}`,
        "netns",
        this.#name,
        "type",
        "veth",
        "peer",
        "name",
        "eth0",
        "netns",
        guest,
      );
      ip("-n", this.#name, "link", "set", `tap-${who}`, "master", "br0", "up");
      ip("-n", guest, "link", "set", "lo", "up");
      ip("-n", guest, "link", "set", "eth0", "address", mac, "up");
      ip("-n", guest, "addr", "add", `${ipv4}/24`, "dev", "eth0");
      ip("-n", guest, "addr", "add", `${ipv6}/64`, "dev", "eth0", "nodad");
    }
    mkdirSync(join(this.folder, "rules.d"));
    mkdirSync(join(this.folder, "bpf"));
  }

  writeRules(text) {
    writeFileSync(join(this.folder, "rules.d", "rules.yaml"), text, { mode: 0o600 });
  }

  /** Starts a child that lives until the end; settles when it has printed `sign`. */
  #start(namespace, command, sign, env = {}) {
    const child = spawn("nsenter", [`--net=/run/netns/${namespace}`, ...command], {
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, ...env },
    });
    this.#children.push(child);
    let said = "";
    return new Promise((resolve, reject) => {
      for (const stream of [child.stdout, child.stderr])
        stream.on("data", (chunk) => {
          said += chunk;
          if (said.includes(sign)) resolve();
        });
      child.on("exit", (code) => reject(new Error(`${command.join(" ")} ended with ${code}:\n${said}`)));
    });
  }

  async listen() {
    await Promise.all(
      ["web", "db"].map((who) =>
        this.#start(this.namespace(who), [process.execPath, "-e", listener], "listening"),
      ),
    );
  }

  async startAgent() {
    const config = {
      host: "demo",
      socket: { path: join(this.folder, "run", "ringwall.sock"), group: "root" },
      metrics: { listen: "127.0.0.1:9470" },
      store: { file: join(this.folder, "rules.d") },
    };
    writeFileSync(join(this.folder, "agent.yaml"), JSON.stringify(config), { mode: 0o600 });
    const places = ["--state-dir", join(this.folder, "state"), ...this.#places];
    await this.#start(
      this.#name,
      ["bin/ringwall", "agent", "--config", join(this.folder, "agent.yaml"), ...places],
      '"msg":"enforcing"',
    );
  }

  get #places() {
    return ["--bpffs", join(this.folder, "bpf"), "--lock", join(this.folder, "lock")];
  }

  /** Runs `ringwall` beside the agent, returns what it printed. */
  ringwall(...args) {
    const env = { ...process.env, RINGWALL_SOCKET: join(this.folder, "run", "ringwall.sock") };
    const run = spawnSync("nsenter", [`--net=/run/netns/${this.#name}`, "bin/ringwall", ...args], {
      env,
      encoding: "utf8",
    });
    return run.stdout + run.stderr;
  }

  /** Which of the [address, port] pairs can `who` connect to? */
  connect(who, targets) {
    const command = [`--net=/run/netns/${this.namespace(who)}`, process.execPath, "-e", caller];
    return JSON.parse(execFileSync("nsenter", [...command, JSON.stringify(targets)], { encoding: "utf8" }));
  }

  /** Is an echo answered within so many seconds? */
  ping(who, address, seconds) {
    const command = ["netns", "exec", this.namespace(who), "ping", "-c", "1", "-W", `${seconds}`, address];
    return spawnSync("ip", command).status === 0;
  }

  metrics() {
    const program = `fetch("http://127.0.0.1:9470/metrics").then((r) => r.text()).then(console.log)`;
    const command = [`--net=/run/netns/${this.#name}`, process.execPath, "-e", program];
    return execFileSync("nsenter", command, { encoding: "utf8" });
  }

  remove() {
    for (const child of this.#children) {
      child.removeAllListeners("exit");
      child.kill("SIGKILL");
    }
    this.ringwall("detach", "--yes", ...this.#places);
    for (const who of Object.keys(people)) spawnSync("ip", ["netns", "del", this.namespace(who)]);
    spawnSync("ip", ["netns", "del", this.#name]);
    spawnSync("umount", [join(this.folder, "bpf")]);
    rmSync(this.folder, { recursive: true, force: true });
  }
}
