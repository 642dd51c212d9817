import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type * as z from "zod";
import { isTrusted, type Peer } from "./credentials.ts";
import { Failure } from "./failure.ts";
import type { Log } from "./log.ts";
import { LongAnswer, sendLong } from "./long-answer.ts";
import {
  type EndpointName,
  type EventsRequest,
  endpoints,
  eventsPath,
  eventsRequest,
  type FailureCode,
  type ReplyOf,
  type RequestOf,
  type Session,
  type StreamLine,
} from "./protocol.ts";
import { listenAt } from "./socket.ts";

/** One function for each endpoint; a Failure becomes the client's answer. */
export type Handlers = {
  readonly [Name in EndpointName]: (request: RequestOf<Name>, peer: Peer) => Promise<AnswerOf<Name>>;
};
type AnswerOf<Name extends EndpointName> = Name extends "sessions" ? LongAnswer<Session> : ReplyOf<Name>;

export interface ServerOptions {
  readonly path: string;
  readonly group: number | undefined;
  readonly handlers: Handlers;
  /** Calls `send` with each event until the returned function is called. */
  readonly subscribe: (filter: EventsRequest, send: (line: StreamLine) => void) => () => void;
  readonly peerOf: (fd: number) => Peer;
  readonly log: Log;
}

export interface AgentServer {
  /** Ends the streams, breaks long answers off, lets others that are on their way finish, takes the socket away. */
  close(): Promise<void>;
}

/** Legal rule sets have 64 MiB at most; JSON's escapes and the frame come on top. */
const MAX_BODY = 160 * 1024 * 1024;
/** What a reader of the stream may be behind before events are left out. */
const MAX_BEHIND = 1024 * 1024;

const statusOf: Readonly<Record<FailureCode, number>> = {
  refused: 422,
  kernel: 500,
  forbidden: 403,
  request: 400,
  internal: 500,
};

/** Listens on the agent's socket. Throws SocketError where the socket cannot be. */
export async function startServer(options: ServerOptions): Promise<AgentServer> {
  const ends = new Set<() => void>();
  const server = createServer((request, response) => {
    answer(options, request, response, ends).catch((error: unknown) => {
      options.log.error({ err: error, path: request.url }, "a request failed");
      response.destroy();
    });
  });
  const remove = await listenAt(server, options);
  return {
    close: async () => {
      remove();
      for (const end of ends) end();
      const closed = once(server, "close");
      server.close();
      server.closeIdleConnections();
      await closed;
    },
  };
}

async function answer(
  options: ServerOptions,
  request: IncomingMessage,
  response: ServerResponse,
  ends: Set<() => void>,
): Promise<void> {
  try {
    const peer = options.peerOf(descriptorOf(request.socket));
    if (!isTrusted(peer, options.group)) {
      options.log.warn({ ...peer, path: request.url }, "refused a peer");
      throw new Failure("forbidden", "Only root and members of the socket's group may talk to the agent.");
    }
    if (request.method !== "POST") throw new Failure("request", "Every request is a POST with a JSON body.");
    const body = await readBody(request);
    if (request.url === eventsPath) {
      stream(options, readRequest(eventsPath, eventsRequest, body), response, ends);
      return;
    }
    const reply = await handle(options.handlers, request.url ?? "", body, peer);
    if (reply instanceof LongAnswer) await sendWhile(response, reply, ends);
    else send(response, 200, reply);
  } catch (error) {
    const failure = toFailure(error, options.log);
    // Half an answer is known by its missing end.
    if (response.headersSent) response.destroy();
    send(response, statusOf[failure.code], { error: { code: failure.code, message: failure.message } });
  }
}

async function handle(handlers: Handlers, path: string, body: unknown, peer: Peer): Promise<unknown> {
  const name = (Object.keys(endpoints) as EndpointName[]).find(
    (candidate) => endpoints[candidate].path === path,
  );
  if (name === undefined)
    throw new Failure("request", `The agent has no ${path}: is the client of another version?`);
  const request = readRequest(path, endpoints[name].request as z.ZodType, body);
  // The name decides both types; the compiler cannot follow it through the union.
  const handler = handlers[name] as (request: unknown, peer: Peer) => Promise<unknown>;
  return handler(request, peer);
}

/** What this agent does not know may be what narrows a request: it is refused, and not left out. */
function readRequest<T>(path: string, form: z.ZodType<T>, body: unknown): T {
  const request = form.safeParse(body);
  if (request.success) return request.data;
  const [issue] = request.error.issues;
  const at = issue?.path.join(".") ?? "";
  const why = issue?.message ?? "not understood";
  const hint = issue?.code === "unrecognized_keys" ? ": is the client of another version?" : "";
  throw new Failure("request", `${path}: ${at === "" ? "" : `${at}: `}${why}${hint}`);
}

function stream(
  options: ServerOptions,
  filter: EventsRequest,
  response: ServerResponse,
  ends: Set<() => void>,
): void {
  let lost = 0;
  response.setHeader("content-type", "application/x-ndjson");
  const write = (line: StreamLine) => response.write(`${JSON.stringify(line)}\n`);
  const unsubscribe = options.subscribe(filter, (line) => {
    if (response.writableLength > MAX_BEHIND) {
      lost++;
      return;
    }
    if (lost > 0) write({ lost });
    lost = 0;
    write(line);
  });
  // Only now: what is refused has an answer of its own.
  response.flushHeaders();
  const end = () => response.end();
  ends.add(end);
  response.once("close", () => {
    unsubscribe();
    ends.delete(end);
  });
}

/** Its reader sets the pace, and the agent's end waits for nobody. */
async function sendWhile(
  response: ServerResponse,
  reply: LongAnswer<unknown>,
  ends: Set<() => void>,
): Promise<void> {
  if (response.destroyed) return;
  const end = () => response.destroy();
  ends.add(end);
  response.once("close", () => ends.delete(end));
  await sendLong(response, reply);
}

async function readBody(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > MAX_BODY) throw new Failure("request", `A request may have ${MAX_BODY} bytes at most.`);
    chunks.push(chunk);
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString("utf8") || "{}");
  } catch (error) {
    throw new Failure("request", "The request's body is not JSON.", { cause: error });
  }
}

function toFailure(error: unknown, log: Log): Failure {
  if (error instanceof Failure) return error;
  log.error({ err: error }, "a request failed unexpectedly");
  return new Failure("internal", error instanceof Error ? error.message : String(error));
}

function send(response: ServerResponse, status: number, body: unknown): void {
  if (response.headersSent || response.destroyed) return;
  const text = JSON.stringify(body);
  response.writeHead(status, {
    "content-type": "application/json",
    "content-length": Buffer.byteLength(text),
  });
  response.end(text);
}

/** Node does not publish a socket's descriptor, and has no SO_PEERCRED of its own. */
function descriptorOf(socket: Socket): number {
  const handle: unknown = (socket as Socket & { _handle?: { fd?: number } | null })._handle;
  if (typeof handle === "object" && handle !== null && "fd" in handle && typeof handle.fd === "number") {
    return handle.fd;
  }
  throw new Failure("forbidden", "The connection is gone.");
}
