import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { z } from "zod";
import { makeSchemas } from "../../../src/agent/schemas.ts";
import { exampleConfig, exampleRules } from "./example.ts";

const readSchema = (name: string) => readFileSync(`schema/${name}`, "utf8");
const validator = (name: string) => z.fromJSONSchema(JSON.parse(readSchema(name)));

describe("the JSON Schemas for editors", () => {
  it.each([...makeSchemas()])("%s is what scripts/generate-schema.mjs writes", (name, text) => {
    expect(readSchema(name)).toBe(text);
  });

  it("take the documentation's examples", () => {
    expect(validator("rules.schema.json").safeParse(parse(exampleRules)).error).toBeUndefined();
    expect(validator("agent.schema.json").safeParse(parse(exampleConfig)).error).toBeUndefined();
  });

  it.each([
    ["a key that does not exist", exampleRules.replace("portRange: 80/80", "portrange: 80/80")],
    ["a range of ports that is none", exampleRules.replace("80/80", "80-80")],
    ["a protocol in capitals", exampleRules.replace("protocol: tcp", "protocol: TCP")],
    ["a group's id without sg-", exampleRules.replace("sg-web:", "web:")],
    ["a file without version", exampleRules.replace("version: 1\n", "")],
    ["a priority of 111", exampleRules.replace("priority: 10", "priority: 111")],
  ])("refuse %s", (_, text) => {
    expect(text).not.toBe(exampleRules);
    expect(validator("rules.schema.json").safeParse(parse(text)).success).toBe(false);
  });

  it("refuse a timeout above 910 seconds", () => {
    const text = exampleConfig.replace("tcpEstablished: 910", "tcpEstablished: 911");
    expect(validator("agent.schema.json").safeParse(parse(text)).success).toBe(false);
  });
});
