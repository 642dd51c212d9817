/** The JSON Schemas that are shipped for editors, by their file names. */
import { makeJsonSchema } from "../model/json-schema.ts";
import { rulesShape } from "../model/schema.ts";
import { configShape } from "./config-shape.ts";

/** Name and text of each file of schema/; scripts/generate-schema.mjs writes them. */
export function makeSchemas(): ReadonlyMap<string, string> {
  const rules = makeJsonSchema(rulesShape, {
    title: "Ringwall rules",
    description: "A file of /etc/ringwall/rules.d: networks, prefix lists, groups and instances",
  });
  const agent = makeJsonSchema(configShape, {
    title: "Ringwall agent",
    description: "/etc/ringwall/agent.yaml: how this host enforces",
  });
  const text = (schema: object) => `${JSON.stringify(schema, null, 2)}\n`;
  return new Map([
    ["rules.schema.json", text(rules)],
    ["agent.schema.json", text(agent)],
  ]);
}
