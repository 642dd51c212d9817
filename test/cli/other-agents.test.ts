/** What answers at the socket may be no agent, or one of another version: each command says so. */
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { makeFolder, ringwall, shopRules, writeFiles } from "./program.ts";

/** Listens at a socket of its own; the socket's path. */
async function listen(answer: (response: ServerResponse, request: IncomingMessage) => void): Promise<string> {
  const socket = join(makeFolder(), "agent.sock");
  const server = createServer((request, response) => {
    request.resume().once("end", () => answer(response, request));
  });
  await once(server.listen(socket), "listening");
  onTestFinished(() => void server.close());
  return socket;
}

/** Of each way to hear an answer: one record, a list, a stream; and a question that changes something. */
const commands: readonly (readonly string[])[] = [["status"], ["sessions"], ["monitor"]];

const json = (status: number, body: unknown) => (response: ServerResponse) =>
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
const isNone = /^ringwall: What answers at \S+ is no agent of Ringwall\.$/;
const isOther =
  /^ringwall: The agent at \S+ answers in a form that this program does not know( \([\w.]+\))?: is it of another version\?$/;
const isGone = /^ringwall: The agent at \S+ broke off \(ECONNRESET\)\.\n/;

it.each<[string, (response: ServerResponse) => unknown, RegExp, number]>([
  ["HTML", (response) => response.end("<html>"), new RegExp(`${isNone.source}|${isOther.source}`), 3],
  ["an error in HTML", (response) => response.writeHead(502).end("<html>"), isNone, 3],
  ["another record", json(200, { hello: 1 }), isOther, 1],
  ["another error", json(500, { fault: "x" }), isOther, 1],
  [
    "half an answer",
    (response) => response.write('{"a":') && setImmediate(() => response.destroy()),
    isGone,
    3,
  ],
])("%s", async (_name, answer, said, code) => {
  const socket = await listen((response) => void answer(response));
  for (const command of [...commands, ["apply", writeFiles({ "rules.yaml": shopRules })]]) {
    const outcome = await ringwall([...command, "--socket", socket]);
    const stderr = outcome.stderr.trimEnd();
    expect({ command, stdout: outcome.stdout, stderr }).toEqual({
      command,
      stdout: "",
      stderr: expect.stringMatching(said),
    });
    if (!isOther.test(stderr)) expect(outcome.code).toBe(code);
    else expect(outcome.code).toBe(1);
  }
});
