import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { type IncomingMessage, request } from "node:http";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { findGroup, isTrusted } from "../../../src/agent/credentials.ts";
import { Failure } from "../../../src/agent/failure.ts";
import { createLog } from "../../../src/agent/log.ts";
import { LongAnswer } from "../../../src/agent/long-answer.ts";
import { type Session, type StreamLine, sessionsStart } from "../../../src/agent/protocol.ts";
import { type AgentServer, type Handlers, startServer } from "../../../src/agent/server.ts";
import { native } from "../../../src/kernel/native.ts";

const nobody = 65534;
const group = 64222; // No group of any system: only its number is needed.

let folder: string;
let path: string;
let servers: AgentServer[];
let log: string[];
let send: ((line: StreamLine) => void) | undefined;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "ringwall-server-"));
  chmodSync(folder, 0o755);
  path = join(folder, "run", "ringwall.sock");
  servers = [];
  log = [];
});

afterEach(async () => {
  await Promise.all(servers.map((server) => server.close()));
  rmSync(folder, { recursive: true, force: true });
});

const refuse = async (): Promise<never> => {
  throw new Failure("refused", "rules.yaml:3:1: no such key");
};
async function* noPieces(): AsyncGenerator<readonly Session[]> {}
const handlers: Handlers = {
  status: refuse,
  explain: refuse,
  plan: refuse,
  observed: refuse,
  history: refuse,
  revision: refuse,
  rollback: refuse,
  apply: refuse,
  release: refuse,
  confirm: refuse,
  model: async (_request, peer) => ({ revision: 7, host: `${peer.uid}:${peer.gid}`, digest: "", files: [] }),
  sessions: async () => new LongAnswer(sessionsStart, noPieces()),
  endSessions: async () => {
    throw new Error("something broke");
  },
};

async function start(at = path): Promise<AgentServer> {
  const server = await startServer({
    path: at,
    group,
    handlers,
    subscribe: (_filter, listener) => {
      send = listener;
      return () => {
        send = undefined;
      };
    },
    peerOf: (fd) => native().peerCredentials(fd),
    log: createLog({ level: "info", format: "json" }, { write: (line: string) => log.push(line) }),
  });
  servers.push(server);
  return server;
}

async function post(url: string, body: unknown = {}, method = "POST") {
  const sent = request({ socketPath: path, path: url, method, agent: false });
  sent.end(typeof body === "string" ? body : JSON.stringify(body));
  const [response] = (await once(sent, "response")) as [IncomingMessage];
  let text = "";
  for await (const chunk of response) text += String(chunk);
  return { status: response.statusCode, body: JSON.parse(text) as Record<string, unknown> };
}

/** Asks as another user and group, in a process of its own. */
function postAs(uid: number, gid: number, groups: number[] = []): string {
  const program = `require("http").request({socketPath: ${JSON.stringify(path)}, path: "/v1/model", method: "POST"},
    (r) => { console.log(r.statusCode); r.resume(); }).on("error", (e) => console.log(e.code)).end("{}")`;
  const clear = groups.length === 0 ? ["--clear-groups"] : [`--groups=${groups.join(",")}`];
  const args = [`--reuid=${uid}`, `--regid=${gid}`, ...clear, process.execPath, "-e", program];
  return spawnSync("setpriv", args, { encoding: "utf8", cwd: "/" }).stdout.trim();
}

/** As postAs, while this process goes on answering. */
async function postAsAsync(uid: number, gid: number, groups: number[] = []): Promise<string> {
  const program = `require("http").request({socketPath: ${JSON.stringify(path)}, path: "/v1/model", method: "POST"},
    (r) => { console.log(r.statusCode); r.resume(); }).on("error", (e) => console.log(e.code)).end("{}")`;
  const clear = groups.length === 0 ? ["--clear-groups"] : [`--groups=${groups.join(",")}`];
  const child = spawn(
    "setpriv",
    [`--reuid=${uid}`, `--regid=${gid}`, ...clear, process.execPath, "-e", program],
    {
      cwd: "/",
    },
  );
  let text = "";
  child.stdout.on("data", (chunk) => {
    text += String(chunk);
  });
  await once(child, "close");
  return text.trim();
}

describe("the agent's socket", () => {
  it("stands in a folder 0750 with mode 0660, both of the group", async () => {
    await start();
    expect(lstatSync(path).mode & 0o7777).toBe(0o660);
    expect(lstatSync(path).gid).toBe(group);
    expect(lstatSync(join(folder, "run")).mode & 0o7777).toBe(0o750);
    expect(lstatSync(join(folder, "run")).gid).toBe(group);
  });

  it("answers root and tells handlers who asks", async () => {
    await start();
    expect(await post("/v1/model")).toEqual({
      status: 200,
      body: { revision: 7, host: "0:0", digest: "", files: [] },
    });
  });

  it("answers members of the group, by first or supplementary group", async () => {
    await start();
    expect(await postAsAsync(nobody, group)).toBe("200");
    expect(await postAsAsync(nobody, nobody, [group])).toBe("200");
  });

  it("lets nobody else connect", async () => {
    await start();
    expect(postAs(nobody, nobody)).toBe("EACCES");
  });

  it("refuses others, even where somebody widened its mode", async () => {
    await start();
    chmodSync(join(folder, "run"), 0o755);
    chmodSync(path, 0o666);
    expect(await postAsAsync(nobody, nobody)).toBe("403");
    expect(log.join("")).toContain('"msg":"refused a peer"');
    expect(await postAsAsync(nobody, group)).toBe("200");
  });

  it("is taken away at the end", async () => {
    await (await start()).close();
    servers = [];
    expect(existsSync(path)).toBe(false);
  });

  it("of another agent that answers is left alone", async () => {
    await start();
    await expect(start()).rejects.toThrow(/Another process answers/);
    expect((await post("/v1/model")).status).toBe(200);
  });

  it("of an agent that was killed is replaced", async () => {
    mkdirSync(join(folder, "run"), { mode: 0o750 });
    const program = `require("net").createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, "SIGKILL"))`;
    spawnSync(process.execPath, ["-e", program]);
    expect(lstatSync(path).isSocket()).toBe(true);
    await start();
    expect((await post("/v1/model")).status).toBe(200);
  });

  it.each([
    ["file", (at: string) => writeFileSync(at, "mine")],
    ["symbolic link", (at: string) => symlinkSync("/etc/passwd", at)],
    ["FIFO", (at: string) => void spawnSync("mkfifo", [at])],
    ["directory", (at: string) => void mkdirSync(at)],
  ])("is refused where a %s stands, which stays", async (kind, plant) => {
    mkdirSync(join(folder, "run"), { mode: 0o750 });
    plant(path);
    const before = lstatSync(path);
    await expect(start()).rejects.toThrow(new RegExp(`ringwall.sock is a ${kind}`));
    expect(lstatSync(path).ino).toBe(before.ino);
  });

  it("is refused in a folder that is a link, another user's, or everybody's", async () => {
    mkdirSync(join(folder, "real"), { mode: 0o750 });
    symlinkSync(join(folder, "real"), join(folder, "run"));
    await expect(start()).rejects.toThrow(/is a symbolic link/);
    chmodSync(join(folder, "real"), 0o757);
    await expect(start(join(folder, "real", "s"))).rejects.toThrow(/written by everybody/);
    chmodSync(join(folder, "real"), 0o750);
    spawnSync("chown", [String(nobody), join(folder, "real")]);
    await expect(start(join(folder, "real", "s"))).rejects.toThrow(/belongs to user 65534/);
  });

  it("keeps what came into its place meanwhile", async () => {
    const server = await start();
    rmSync(path);
    const other = createServer().listen(path);
    await once(other, "listening");
    await server.close();
    servers = [];
    expect(existsSync(path)).toBe(true);
    other.close();
  });
});

describe("the agent's answers", () => {
  it("carry a failure's code and text", async () => {
    await start();
    expect(await post("/v1/apply", { files: [{ path: "a.yaml", text: "" }] })).toEqual({
      status: 422,
      body: { error: { code: "refused", message: "rules.yaml:3:1: no such key" } },
    });
  });

  it("name the field that is wrong", async () => {
    await start();
    const { status, body } = await post("/v1/sessions/end", { port: 70000 });
    expect(status).toBe(400);
    expect(JSON.stringify(body)).toContain("port");
    expect((await post("/v1/sessions/end", { prot: 1 })).status).toBe(400);
  });

  it("refuse other methods, paths, and bodies that are no JSON", async () => {
    await start();
    expect((await post("/v1/model", {}, "PUT")).status).toBe(400);
    expect((await post("/v2/model")).status).toBe(400);
    expect((await post("/v1/model", "{")).status).toBe(400);
  });

  it("say that something broke, log it, and go on", async () => {
    await start();
    expect(await post("/v1/sessions/end")).toEqual({
      status: 500,
      body: { error: { code: "internal", message: "something broke" } },
    });
    expect(log.join("")).toContain("something broke");
    expect((await post("/v1/model")).status).toBe(200);
  });
});

describe("a request of another version", () => {
  it.each([
    "/v1/status",
    "/v1/apply",
    "/v1/plan",
    "/v1/model",
    "/v1/explain",
    "/v1/sessions/end",
    "/v1/events",
  ])("%s with a key that this agent does not know is refused, and not answered without it", async (url) => {
    await start();
    const needed: Record<string, unknown> = {
      "/v1/apply": { files: [{ path: "a.yaml", text: "" }] },
      "/v1/plan": { files: [{ path: "a.yaml", text: "" }] },
      "/v1/explain": { from: "a", to: "b", protocol: "tcp" },
    };
    const { status, body } = await post(url, { ...(needed[url] ?? {}), narrower: true });
    expect(status).toBe(400);
    expect(body).toMatchObject({
      error: {
        code: "request",
        message: expect.stringMatching(/narrower.*: is the client of another version\?/),
      },
    });
  });
});

describe("the stream of events", () => {
  const line: StreamLine = { lost: 3 };

  it("is JSON lines, until the reader goes", async () => {
    await start();
    const sent = request({ socketPath: path, path: "/v1/events", method: "POST", agent: false });
    sent.end("{}");
    const [response] = (await once(sent, "response")) as [IncomingMessage];
    send?.(line);
    const [chunk] = await once(response, "data");
    expect(String(chunk)).toBe('{"lost":3}\n');
    response.destroy();
    await expect.poll(() => send).toBeUndefined();
  });

  it("leaves events out, and says how many, where the reader is slow", async () => {
    await start();
    const sent = request({ socketPath: path, path: "/v1/events", method: "POST", agent: false });
    sent.end("{}");
    const [response] = (await once(sent, "response")) as [IncomingMessage];
    for (let event = 0; event < 400_000; event++) send?.({ lost: 1_000_000 + event });
    let text = "";
    response.on("data", (chunk) => {
      text += String(chunk);
    });
    await expect.poll(() => text.length).toBeGreaterThan(100_000);
    await expect
      .poll(() => {
        send?.(line);
        return /\{"lost":\d{1,6}\}/.test(text);
      })
      .toBe(true);
    expect(text.split("\n").length).toBeLessThan(400_000);
    response.destroy();
  });

  it("ends when the agent stops", async () => {
    const server = await start();
    const sent = request({ socketPath: path, path: "/v1/events", method: "POST", agent: false });
    sent.end("{}");
    const [response] = (await once(sent, "response")) as [IncomingMessage];
    const ended = once(response.resume(), "end");
    await server.close();
    servers = [];
    await ended;
  });
});

describe("groups and credentials", () => {
  it("go by the group's name", () => {
    const file = join(folder, "group");
    writeFileSync(file, "root:x:0:\nringwall-old:x:5:\nringwall:x:977:alice,bob\nbroken\n");
    expect(findGroup("ringwall", file)).toBe(977);
    expect(findGroup("ring", file)).toBeUndefined();
  });

  it("trust root, the agent's own user and the group, and no process that is gone", () => {
    expect(isTrusted({ pid: 1, uid: 0, gid: 0 }, undefined)).toBe(true);
    expect(isTrusted({ pid: 2 ** 22 + 5, uid: nobody, gid: nobody }, group)).toBe(false);
    expect(isTrusted({ pid: 1, uid: nobody, gid: nobody }, undefined)).toBe(false);
  });
});
