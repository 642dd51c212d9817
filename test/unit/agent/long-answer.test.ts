/** The list of sessions while it is made: who else gets a turn, what is held, and what ends it. */
import { once } from "node:events";
import { type IncomingMessage, request } from "node:http";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { sessionsReply } from "../../../src/agent/protocol.ts";
import { nextTurn } from "../../../src/kernel/slices.ts";
import type { Session } from "../../../src/kernel/status.ts";
import { shopRules } from "../../cli/program.ts";
import { makeSession } from "../../support/made-up.ts";
import { FakeEnforcer } from "./fake-enforcer.ts";
import { MemoryStore } from "./memory-store.ts";
import { type RunningAgent, runAgentOn } from "./running-agent.ts";

const piece = Array.from({ length: 256 }, (_, port) => makeSession({ remotePort: port }));

/** A kernel with sessions by the hundred thousand, none of which is there before it is asked for. */
class BusyKernel extends FakeEnforcer {
  pieces = 782;
  /** Turn of the event loop in which each piece was asked for. */
  readonly asked: number[] = [];
  /** Pieces after which it fails. */
  failsAfter = Number.POSITIVE_INFINITY;
  #left: () => void = () => undefined;
  /** Settles when nobody asks for more. */
  readonly left = new Promise<void>((resolve) => {
    this.#left = resolve;
  });

  override async sessions(): Promise<AsyncIterable<readonly Session[]>> {
    return this.#list();
  }

  async *#list(): AsyncGenerator<readonly Session[]> {
    try {
      for (let number = 0; number < this.pieces; number++) {
        this.asked.push(turn);
        if (number === this.failsAfter) throw new Error("a map went away");
        yield piece;
      }
    } finally {
      this.#left();
    }
  }
}

let turn = 0;
let counting = true;
function countTurns(): void {
  turn++;
  if (counting) setImmediate(countTurns);
}

let kernel: BusyKernel;
let agent: RunningAgent;

beforeEach(async () => {
  kernel = new BusyKernel();
  agent = await runAgentOn(new MemoryStore([{ path: "rules.yaml", text: shopRules }]), kernel);
  counting = true;
  countTurns();
});

afterEach(async () => {
  counting = false;
  await agent.stop();
});

async function ask(filter: Readonly<Record<string, string | number>> = {}): Promise<IncomingMessage> {
  const sent = request({ socketPath: agent.socket, path: "/v1/sessions", method: "POST", agent: false });
  sent.end(JSON.stringify(filter));
  const [response] = (await once(sent, "response")) as [IncomingMessage];
  return response.setEncoding("utf8");
}

async function readAll(response: IncomingMessage): Promise<string> {
  let text = "";
  for await (const chunk of response) text += String(chunk);
  return text;
}

describe("the list of sessions", () => {
  it("is JSON of the reply's form, a session a line", async () => {
    kernel.pieces = 2;
    const text = await readAll(await ask());
    const { sessions } = sessionsReply.parse(JSON.parse(text));
    expect(sessions.map(({ remotePort }) => remotePort)).toEqual(
      [...piece, ...piece].map((one) => one.remotePort),
    );
    expect(text.split("\n")).toHaveLength(2 * 256 + 3);
  });

  it("holds what its filter names, and nothing else", async () => {
    kernel.pieces = 2;
    const countOf = async (filter: Readonly<Record<string, string | number>>) =>
      JSON.parse(await readAll(await ask(filter))).sessions.length;
    expect(await countOf({ interface: "eni-web-1" })).toBe(2 * 256);
    expect(await countOf({ remotePort: 7 })).toBe(2);
    expect(await countOf({ protocol: "tcp", remote: "192.0.2.1", local: "10.0.0.11", localPort: 80 })).toBe(
      2 * 256,
    );
    for (const other of [
      { protocol: "udp" },
      { remote: "192.0.2.2" },
      { local: "10.0.0.12" },
      { localPort: 81 },
      { remotePort: 7, protocol: "udp" },
    ])
      expect(await countOf(other), JSON.stringify(other)).toBe(0);
  });

  it("is JSON where there are none", async () => {
    kernel.pieces = 0;
    expect(JSON.parse(await readAll(await ask()))).toEqual({ sessions: [] });
  });

  it("of 200,000 gives the event loop a turn after every piece", async () => {
    let lines = 0;
    for await (const chunk of await ask()) lines += String(chunk).split("\n").length - 1;
    expect(lines).toBe(782 * 256 + 2);
    expect(kernel.asked).toHaveLength(782);
    expect(new Set(kernel.asked).size).toBe(782);
  });

  it("is not read ahead of who reads it", async () => {
    const response = await ask();
    // Twice the turns that all of it would take.
    for (let turns = 0; turns < 2 * 782; turns++) await nextTurn();
    // What lies in the sockets is some hundred kilobytes of eighty megabytes.
    expect(kernel.asked.length).toBeLessThan(782 / 2);
    response.destroy();
    await kernel.left;
  });

  it("ends when its reader goes, and others are answered", async () => {
    const response = await ask();
    await once(response, "data");
    response.destroy();
    await kernel.left;
    expect(kernel.asked.length).toBeLessThan(782);
    kernel.pieces = 1;
    expect(JSON.parse(await readAll(await ask())).sessions).toHaveLength(256);
  });

  it("that nobody reads does not hold the agent's end up", async () => {
    const response = await ask();
    const broken = once(response, "error");
    await agent.restart();
    await kernel.left;
    response.resume();
    expect(String(await broken)).toContain("aborted");
  });

  it("breaks off where the kernel fails, and the log says why", async () => {
    kernel.failsAfter = 3;
    await expect(readAll(await ask())).rejects.toThrow(/aborted/);
    expect(agent.log.join("")).toContain("a map went away");
  });

  it("that fails at once is refused with the reason", async () => {
    kernel.failsAfter = 0;
    const response = await ask();
    expect(response.statusCode).toBe(500);
    expect(await readAll(response)).toContain("a map went away");
  });
});
