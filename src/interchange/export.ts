/** Groups of a model in the shape of another system. */
import type { Group, PrefixList } from "../model/model.ts";
import { writeAlibabaCsv, writeAlibabaJson } from "./export-alibaba.ts";
import { writeAws } from "./export-aws.ts";
import { writeOpenstack } from "./export-openstack.ts";
import { type Exported, Exporter } from "./exporter.ts";
import { TooManyFindings } from "./finding.ts";
import { writeNativeJson, writeNativeYaml } from "./native.ts";

export const targetFormats = ["yaml", "json", "alibaba-json", "alibaba-csv", "aws", "openstack"] as const;
export type TargetFormat = (typeof targetFormats)[number];

/**
 * Writes groups. What the format cannot say is named: an accept is left out, a drop refuses, because the result
 * would allow more than the group.
 * @throws RangeError for a CSV of several groups, whose rows do not name theirs
 */
export function exportGroups(
  groups: readonly Group[],
  format: TargetFormat,
  prefixLists: ReadonlyMap<string, PrefixList>,
): Exported {
  const exporter = new Exporter(prefixLists);
  try {
    return { text: write(exporter, groups, format), findings: exporter.findings };
  } catch (error) {
    if (!(error instanceof TooManyFindings)) throw error;
    const last = {
      code: "too-many",
      effect: "refused",
      place: "",
      group: null,
      message: error.message,
      write: null,
    } as const;
    return { text: "", findings: [...exporter.findings, last] };
  }
}

function write(exporter: Exporter, groups: readonly Group[], format: TargetFormat): string {
  switch (format) {
    case "yaml":
      return writeNativeYaml(groups);
    case "json":
      return writeNativeJson(groups);
    case "alibaba-json":
      return writeAlibabaJson(exporter, groups);
    case "alibaba-csv": {
      const [group] = groups;
      if (group === undefined || groups.length > 1)
        throw new RangeError("a CSV is one group's rules: give one group, or write alibaba-json");
      return writeAlibabaCsv(exporter, group);
    }
    case "aws":
      return writeAws(exporter, groups);
    case "openstack":
      return writeOpenstack(exporter, groups);
    default:
      return format satisfies never;
  }
}
