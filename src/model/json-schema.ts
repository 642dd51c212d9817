/** JSON Schemas for editors, from the shapes that files are checked with. */
import * as z from "zod";

export interface JsonSchemaTitle {
  readonly title: string;
  readonly description: string;
}

/** The JSON Schema (draft 7, which editors' YAML modes read) of what a shape takes. */
export function makeJsonSchema(shape: z.ZodType, { title, description }: JsonSchemaTitle): object {
  const { $schema, ...schema } = z.toJSONSchema(shape, { io: "input", target: "draft-7" });
  return { $schema, title, description, ...schema };
}
