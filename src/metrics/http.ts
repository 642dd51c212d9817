import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Metrics } from "./collect.ts";

export interface MetricsServerOptions {
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  readonly metrics: Metrics;
  /** What is not ready yet, or null: /readyz says it. */
  readonly notReady: () => string | null;
  readonly onError: (error: unknown) => void;
}

export interface MetricsServer {
  readonly port: number;
  close(): Promise<void>;
}

/** "127.0.0.1:9470", "[::1]:9470", "0.0.0.0:9470" into host and port; undefined where it is none. */
export function parseListen(listen: string): { host: string; port: number } | undefined {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(listen);
  const host = match?.[1] ?? match?.[2];
  const port = Number(match?.[3]);
  return host === undefined || port > 65535 ? undefined : { host, port };
}

/** Serves /metrics, /healthz and /readyz. Rejects where the address cannot be listened on (EADDRINUSE, …). */
export async function startMetricsServer(options: MetricsServerOptions): Promise<MetricsServer> {
  const server = createServer((request, response) => {
    answer(options, request, response).catch((error: unknown) => {
      options.onError(error);
      if (!response.headersSent)
        send(response, 500, "The kernel's counters could not be read; see the agent's log.\n");
      else response.destroy();
    });
  });
  server.listen(options.port, options.host);
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    close: async () => {
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

async function answer(
  options: MetricsServerOptions,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  if (!isAllowedHost(request, options.host)) {
    send(
      response,
      421,
      "This is not the host that you asked for: use the address that the agent listens on.\n",
    );
    return;
  }
  if (request.method !== "GET") {
    response.setHeader("allow", "GET");
    send(response, 405, "GET is all there is.\n");
    return;
  }
  switch (request.url?.split("?", 1)[0]) {
    case "/metrics":
      send(response, 200, await options.metrics.render(), options.metrics.contentType);
      return;
    case "/healthz":
      send(response, 200, "ok\n");
      return;
    case "/readyz": {
      const reason = options.notReady();
      send(response, reason === null ? 200 : 503, reason === null ? "ok\n" : `${reason}\n`);
      return;
    }
    default:
      send(response, 404, "Here are /metrics, /healthz and /readyz.\n");
  }
}

/**
 * A web page can point its own name at 127.0.0.1 and so read what listens here (DNS rebinding); the Host header
 * then has that page's name. Loopback's names, the address listened on and the one reached are no such names.
 */
function isAllowedHost(request: IncomingMessage, listen: string): boolean {
  const header = request.headers.host;
  if (header === undefined) return false;
  const name = header
    .replace(/:\d+$/, "")
    .replace(/^\[(.*)\]$/, "$1")
    .toLowerCase();
  const reached = request.socket.localAddress?.replace(/^::ffff:/, "");
  return ["localhost", "127.0.0.1", "::1", listen.toLowerCase(), reached].includes(name);
}

function send(
  response: ServerResponse,
  status: number,
  text: string,
  type = "text/plain; charset=utf-8",
): void {
  response.writeHead(status, {
    "content-type": type,
    "x-content-type-options": "nosniff",
    "content-security-policy": "default-src 'none'",
    "cache-control": "no-store",
  });
  response.end(text);
}
