/** Apart, so that the package is read only where YAML is wanted. */
import { Document, Scalar, visit } from "yaml";
import { escapeUnits, unprintable } from "../../model/printable.ts";

/** A document in which what a terminal would act on stands as \\uXXXX, in double quotes. */
export function writeYaml(value: unknown): string {
  const document = new Document(value, { aliasDuplicateObjects: false });
  visit(document, {
    Scalar: (_key, node) => {
      if (typeof node.value === "string" && unprintable.test(node.value)) node.type = Scalar.QUOTE_DOUBLE;
    },
  });
  return escapeUnits(document.toString());
}
