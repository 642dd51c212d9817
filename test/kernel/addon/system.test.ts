import { execFileSync } from "node:child_process";
import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync, statSync } from "node:fs";
import { createConnection, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { native } from "../../../src/kernel/native.ts";
import { codeOf } from "./fixture.ts";

const addon = native();

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "ringwall-system-"));
});
afterAll(() => rmSync(directory, { recursive: true }));

/** The file descriptor under a socket of Node. */
function fdOf(socket: Socket): number {
  return (socket as unknown as { _handle: { fd: number } })._handle.fd;
}

describe("peer credentials", () => {
  it("of a unix socket are the process at the other end", async () => {
    const path = join(directory, "socket");
    const server = createServer();
    const arrived = new Promise<Socket>((settle) => server.once("connection", settle));
    server.listen(path);
    const client = createConnection(path);
    try {
      const socket = await arrived;
      expect(addon.peerCredentials(fdOf(socket))).toEqual({
        pid: process.pid,
        uid: process.getuid?.(),
        gid: process.getgid?.(),
      });
      socket.destroy();
    } finally {
      client.destroy();
      server.close();
    }
  });

  it("are refused for what is no connected unix socket", async () => {
    const server = createServer().listen(0, "127.0.0.1");
    await new Promise((settle) => server.once("listening", settle));
    const { fd } = (server as unknown as { _handle: { fd: number } })._handle;
    expect(codeOf(() => addon.peerCredentials(fd))).toBe("ENOTCONN");
    server.close();
    const file = openSync(join(directory, "file"), "w");
    expect(codeOf(() => addon.peerCredentials(file))).toBe("ENOTSOCK");
    closeSync(file);
    expect(codeOf(() => addon.peerCredentials(2 ** 31))).toBe("EBADF");
  });
});

describe("a file's lock", () => {
  it("is one holder's until he closes it", () => {
    const path = join(directory, "lock");
    const [first, second] = [openSync(path, "w"), openSync(path, "w")];
    expect(addon.lockFile(first)).toBe(true);
    expect(addon.lockFile(first)).toBe(true);
    expect(addon.lockFile(second)).toBe(false);
    closeSync(first);
    expect(addon.lockFile(second)).toBe(true);
    closeSync(second);
    expect(codeOf(() => addon.lockFile(999_999))).toBe("EBADF");
  });
});

describe("a bpffs", () => {
  it("is mounted once, for its owner alone, and not taken for one where it is only around", () => {
    const root = join(directory, "bpffs");
    mkdirSync(root);
    let mounts = 0;
    try {
      expect(addon.mountBpffs(root)).toBe(true);
      mounts++;
      expect(addon.mountBpffs(root)).toBe(false);
      expect(statSync(root).mode & 0o777).toBe(0o700);
      expect(execFileSync("stat", ["-f", "-c", "%T", root], { encoding: "utf8" }).trim()).toBe("bpf_fs");
      mkdirSync(join(root, "inner"));
      expect(addon.mountBpffs(join(root, "inner"))).toBe(true);
      execFileSync("umount", [join(root, "inner")]);
    } finally {
      for (; mounts > 0; mounts--) execFileSync("umount", [root]);
    }
    expect(codeOf(() => addon.mountBpffs(join(directory, "nothing")))).toBe("ENOENT");
    expect(codeOf(() => addon.mountBpffs("a\0b"))).toBe("EINVAL");
  });
});

describe("notify", () => {
  it("tells systemd's socket, and says when there is none", async () => {
    const path = join(directory, "notify");
    const helper = [
      "-c",
      "import socket,sys;s=socket.socket(socket.AF_UNIX,socket.SOCK_DGRAM);s.bind(sys.argv[1]);s.settimeout(120);print('bound',flush=True);print(s.recv(100).decode(),end='')",
      path,
    ];
    const { spawn } = await import("node:child_process");
    const saved = process.env.NOTIFY_SOCKET;
    const listener = spawn("python3", helper, { stdio: ["ignore", "pipe", "inherit"] });
    try {
      let heard = "";
      listener.stdout.on("data", (chunk) => {
        heard += chunk;
      });
      await expect.poll(() => heard).toBe("bound\n");
      process.env.NOTIFY_SOCKET = path;
      expect(addon.notify("READY=1\nSTATUS=ready")).toBe(true);
      await expect.poll(() => heard).toBe("bound\nREADY=1\nSTATUS=ready");
      process.env.NOTIFY_SOCKET = join(directory, "nobody");
      expect(codeOf(() => addon.notify("READY=1"))).toBe("ENOENT");
      process.env.NOTIFY_SOCKET = "vsock:2:1";
      expect(codeOf(() => addon.notify("READY=1"))).toBe("EINVAL");
      delete process.env.NOTIFY_SOCKET;
      expect(addon.notify("READY=1")).toBe(false);
    } finally {
      listener.kill();
      if (saved === undefined) delete process.env.NOTIFY_SOCKET;
      else process.env.NOTIFY_SOCKET = saved;
    }
  });
});

describe("the machine", () => {
  it("is described as others describe it", () => {
    const possible = execFileSync("cat", ["/sys/devices/system/cpu/possible"], { encoding: "utf8" }).trim();
    const cpus = possible
      .split(",")
      .map((range) => range.split("-").map(Number))
      .reduce((sum, [first = 0, last = first]) => sum + last - first + 1, 0);
    expect(addon.possibleCpus()).toBe(cpus);
    expect(addon.libbpfVersion()).toMatch(/^v1\.\d+/);
    const tai = Number(
      execFileSync("python3", ["-c", "import time;print(round(time.clock_gettime(11)-time.time()))"]),
    );
    expect(addon.taiOffset()).toBe(tai);
  });
});
