import { once } from "node:events";
import { request } from "node:http";
import { afterEach, describe, expect, it } from "vitest";
import type { Metrics } from "../../../src/metrics/collect.ts";
import { type MetricsServer, parseListen, startMetricsServer } from "../../../src/metrics/http.ts";

let server: MetricsServer | undefined;

afterEach(async () => {
  await server?.close();
  server = undefined;
});

async function start(options: { notReady?: () => string | null; render?: () => Promise<string> } = {}) {
  const errors: unknown[] = [];
  const metrics: Metrics = {
    recordApply: () => undefined,
    render: options.render ?? (async () => "ringwall_rules 1\n"),
    contentType: "text/plain; version=0.0.4",
  };
  const notReady = options.notReady ?? (() => null);
  const listening = await startMetricsServer({
    host: "127.0.0.1",
    port: 0,
    metrics,
    notReady,
    onError: (e) => errors.push(e),
  });
  server = listening;
  return { port: listening.port, errors };
}

async function ask(port: number, path: string, options: { host?: string; method?: string } = {}) {
  const headers = { host: options.host ?? `127.0.0.1:${port}` };
  const sent = request({
    host: "127.0.0.1",
    port,
    path,
    method: options.method ?? "GET",
    headers,
    agent: false,
  }).end();
  const [response] = await once(sent, "response");
  let text = "";
  for await (const chunk of response) text += String(chunk);
  return { status: response.statusCode as number, text, headers: response.headers as Record<string, string> };
}

describe("the metrics endpoint", () => {
  it("serves metrics and health to loopback's names", async () => {
    const { port } = await start();
    for (const host of [`127.0.0.1:${port}`, "localhost", `localhost:${port}`, "[::1]:9470"]) {
      expect((await ask(port, "/metrics", { host })).text).toBe("ringwall_rules 1\n");
    }
    expect((await ask(port, "/healthz")).status).toBe(200);
    expect((await ask(port, "/readyz")).status).toBe(200);
  });

  it("answers 421 to a web page that points its own name here", async () => {
    const { port } = await start();
    for (const host of [
      "attacker.example",
      `attacker.example:${port}`,
      "localhost.attacker.example",
      "127.0.0.1.nip.io",
    ]) {
      const { status, text } = await ask(port, "/metrics", { host });
      expect(status).toBe(421);
      expect(text).not.toContain("ringwall_");
    }
  });

  it("gives no other origin a right to read (GO-2025-3416)", async () => {
    const { port } = await start();
    const { headers } = await ask(port, "/metrics");
    expect(Object.keys(headers).filter((name) => name.startsWith("access-control"))).toEqual([]);
    expect(headers["content-security-policy"]).toBe("default-src 'none'");
  });

  it("has GET only, and names what there is", async () => {
    const { port } = await start();
    expect((await ask(port, "/metrics", { method: "POST" })).status).toBe(405);
    const missing = await ask(port, "/");
    expect(missing.status).toBe(404);
    expect(missing.text).toContain("/metrics");
  });

  it("says why it is not ready", async () => {
    const { port } = await start({ notReady: () => "no rules are in force yet" });
    expect(await ask(port, "/readyz")).toMatchObject({ status: 503, text: "no rules are in force yet\n" });
  });

  it("answers 500 and goes on when the counters cannot be read", async () => {
    let broken = true;
    const { port, errors } = await start({
      render: async () => {
        if (broken) throw new Error("EBADF");
        return "";
      },
    });
    expect((await ask(port, "/metrics")).status).toBe(500);
    expect(errors).toHaveLength(1);
    broken = false;
    expect((await ask(port, "/metrics")).status).toBe(200);
  });

  it("rejects when the port is taken", async () => {
    const { port } = await start();
    const metrics: Metrics = {
      recordApply: () => undefined,
      render: async () => "",
      contentType: "text/plain",
    };
    const second = startMetricsServer({
      host: "127.0.0.1",
      port,
      metrics,
      notReady: () => null,
      onError: () => undefined,
    });
    await expect(second).rejects.toMatchObject({ code: "EADDRINUSE" });
  });
});

describe("metrics.listen", () => {
  it("is an address and a port", () => {
    expect(parseListen("127.0.0.1:9470")).toEqual({ host: "127.0.0.1", port: 9470 });
    expect(parseListen("[::1]:0")).toEqual({ host: "::1", port: 0 });
    expect(["9470", "::1:9470", "127.0.0.1", "127.0.0.1:70000", ""].map(parseListen)).toEqual(
      Array(5).fill(undefined),
    );
  });
});
