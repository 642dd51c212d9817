import { once } from "node:events";
import { request as httpRequest, type IncomingMessage } from "node:http";
import {
  defaultSocketPath,
  type EndpointName,
  endpoints,
  eventsPath,
  failureReply,
  listEnd,
  type ReplyOf,
  type RequestOf,
  type Session,
  type SessionFilter,
  type StreamLine,
  session,
  sessionsStart,
  streamLine,
} from "../agent/protocol.ts";
import { CliError, ExitCode } from "./exit.ts";

/** As many as a table's columns are laid out for at once. */
const sessionsAtOnce = 1000;

/** The socket that a command line means: its own, the environment's, or the usual one. */
export function chooseSocket(socket: string | undefined): string {
  return socket ?? process.env.RINGWALL_SOCKET ?? defaultSocketPath;
}

/**
 * Asks the agent one thing.
 * @throws CliError 3 when no agent is reachable, 1 when it refuses, 4 when the kernel refused
 */
export async function askAgent<Name extends EndpointName>(
  socket: string,
  name: Name,
  body: RequestOf<Name>,
): Promise<ReplyOf<Name>> {
  const { path, reply } = endpoints[name];
  const response = await post(socket, path, body);
  const answer = parseAnswer(await readText(response, socket), socket);
  if (response.statusCode !== 200) throw refusedBy(answer, socket);
  const checked = reply.safeParse(answer);
  if (!checked.success) throw otherVersion(socket, checked.error.issues[0]?.path.join("."));
  // The endpoint's schema made it; the compiler cannot follow the name through the union.
  return checked.data as ReplyOf<Name>;
}

/**
 * Yields the agent's sessions as they come, some hundreds at once: there may be more than this program could hold.
 * @throws CliError as askAgent, and 3 where the agent breaks off
 */
export async function* listSessions(
  socket: string,
  filter: SessionFilter,
): AsyncGenerator<readonly Session[]> {
  const response = await post(socket, endpoints.sessions.path, filter);
  if (response.statusCode !== 200)
    throw refusedBy(parseAnswer(await readText(response, socket), socket), socket);
  let at: "start" | "list" | "end" = "start";
  let piece: Session[] = [];
  for await (const line of readLines(response, socket)) {
    if (at === "start" && line === sessionsStart) at = "list";
    else if (at === "list" && line === listEnd) at = "end";
    else if (at === "list") piece.push(readSession(line, socket));
    else throw otherVersion(socket, undefined);
    if (piece.length < sessionsAtOnce) continue;
    yield piece;
    piece = [];
  }
  if (at !== "end") throw otherVersion(socket, undefined);
  if (piece.length > 0) yield piece;
}

function readSession(line: string, socket: string): Session {
  const checked = session.safeParse(parseAnswer(line.replace(/,$/, ""), socket));
  if (!checked.success) throw otherVersion(socket, checked.error.issues[0]?.path.join("."));
  return checked.data;
}

/** By line feeds alone: names may hold other characters that end lines. */
async function* readLines(response: IncomingMessage, socket: string): AsyncGenerator<string> {
  let rest = "";
  try {
    for await (const chunk of response.setEncoding("utf8")) {
      const lines = (rest + String(chunk)).split("\n");
      rest = lines.pop() ?? "";
      yield* lines;
    }
  } catch (error) {
    throw unreachable(error as NodeJS.ErrnoException, socket);
  }
  if (rest !== "") yield rest;
}

async function readText(response: IncomingMessage, socket: string): Promise<string> {
  let text = "";
  try {
    for await (const chunk of response.setEncoding("utf8")) text += String(chunk);
  } catch (error) {
    throw unreachable(error as NodeJS.ErrnoException, socket);
  }
  return text;
}

/** Yields the agent's events until the agent stops or `signal` does. */
export async function* followEvents(
  socket: string,
  filter: { interface?: string },
  signal: AbortSignal,
): AsyncGenerator<StreamLine> {
  const response = await post(socket, eventsPath, filter);
  if (response.statusCode !== 200)
    throw refusedBy(parseAnswer(await readText(response, socket), socket), socket);
  signal.addEventListener("abort", () => response.destroy(), { once: true });
  try {
    for await (const line of readLines(response, socket)) yield readEvent(line, socket);
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

function readEvent(line: string, socket: string): StreamLine {
  const checked = streamLine.safeParse(parseAnswer(line, socket));
  if (!checked.success) throw otherVersion(socket, checked.error.issues[0]?.path.join("."));
  return checked.data;
}

async function post(socket: string, path: string, body: unknown): Promise<IncomingMessage> {
  const headers = { "content-type": "application/json" };
  const sent = httpRequest({ socketPath: socket, path, method: "POST", headers, agent: false });
  sent.end(JSON.stringify(body));
  try {
    const [response] = (await once(sent, "response")) as [IncomingMessage];
    return response;
  } catch (error) {
    throw unreachable(error as NodeJS.ErrnoException, socket);
  }
}

function unreachable(error: NodeJS.ErrnoException, socket: string): CliError {
  if (error.code === "EACCES" || error.code === "EPERM") {
    const group =
      "Root and the members of the socket's group may (agent.yaml, socket.group; usually `ringwall`).";
    return new CliError(ExitCode.noAgent, `You may not talk to the agent at ${socket}. ${group}`, {
      cause: error,
    });
  }
  const absent = error.code === "ENOENT" || error.code === "ECONNREFUSED" || error.code === "ENOTSOCK";
  const what = absent
    ? `No agent answers at ${socket}.`
    : `The agent at ${socket} broke off (${error.code}).`;
  const how =
    "Start one with `systemctl start ringwall` or `ringwall agent`, or name its socket with --socket PATH.\n" +
    "Commands that take --rules PATH work without an agent.";
  return new CliError(ExitCode.noAgent, `${what}\n${how}`, { cause: error });
}

function parseAnswer(text: string, socket: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new CliError(ExitCode.noAgent, `What answers at ${socket} is no agent of Ringwall.`, {
      cause: error,
    });
  }
}

function refusedBy(answer: unknown, socket: string): CliError {
  const failure = failureReply.safeParse(answer);
  if (!failure.success) return otherVersion(socket, undefined);
  const { code, message } = failure.data.error;
  return new CliError(code === "kernel" ? ExitCode.kernelRefused : ExitCode.refused, message);
}

function otherVersion(socket: string, field: string | undefined): CliError {
  const where = field === undefined || field === "" ? "" : ` (${field})`;
  const text = `The agent at ${socket} answers in a form that this program does not know${where}: is it of another version?`;
  return new CliError(ExitCode.refused, text);
}
