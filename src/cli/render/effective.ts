import { cleanText } from "../../model/printable.ts";
import type { EffectivePolicy, EffectiveRule, EffectiveSide } from "../../policy/effective.ts";
import { style, styleVerdict } from "./style.ts";
import { renderTable } from "./table.ts";

/** The merged rules of an interface, a table for each direction; below each, what decides where no rule matches. */
export function renderEffective(policy: EffectivePolicy): string {
  const groups = policy.groups.map(({ id, type, mode }) =>
    mode === "observe" ? `${id} (${type}, observes)` : `${id} (${type})`,
  );
  const head = cleanText(
    `${policy.interface} of ${policy.network}, ${policy.nicType}, in ${groups.join(", ")}`,
  );
  return [style.title(head), ...policy.sides.map(renderSide)].join("\n\n");
}

function renderSide(side: EffectiveSide): string {
  const title = style.title(side.direction);
  const rules =
    side.rules.length === 0
      ? "no rules"
      : renderTable(
          [...side.rules.entries()],
          [
            { title: "", value: ([index]) => String(index + 1), align: "right" },
            { title: "priority", value: ([, rule]) => String(rule.priority), align: "right" },
            { title: "policy", value: ([, rule]) => styleVerdict(rule.policy) },
            { title: "protocol", value: ([, rule]) => rule.says.protocol ?? "" },
            { title: "ports", value: ([, rule]) => describePorts(rule) },
            { title: "remote", value: ([, rule]) => rule.says.remote ?? "" },
            { title: "also", value: ([, rule]) => describeRest(rule) },
            { title: "rule", value: ([, rule]) => describePlace(rule) },
          ],
        );
  return [title, rules, ...renderLast(side)].join("\n");
}

function describePorts({ says }: EffectiveRule): string {
  if (says.icmpType !== undefined) {
    return `type ${says.icmpType}${says.icmpCode === undefined ? "" : ` code ${says.icmpCode}`}`;
  }
  return says.portRange === "-1/-1" ? "-" : (says.portRange ?? "-");
}

function describeRest({ says, enforced, expired }: EffectiveRule): string {
  const parts = [
    says.sourcePortRange === undefined ? "" : `from ports ${says.sourcePortRange}`,
    says.local === undefined ? "" : `local ${says.local}`,
    says.expires === undefined ? "" : expired ? style.warning("expired") : `until ${says.expires}`,
    enforced ? "" : style.warning("observes"),
  ];
  return parts.filter((part) => part !== "").join(", ");
}

function describePlace({ group, id, index, file, line }: EffectiveRule): string {
  const place = file === null ? "" : ` (${file}:${line ?? 0})`;
  return `${group} ${id ?? `rule ${index}`}${place}`;
}

function renderLast(side: EffectiveSide): string[] {
  const inner =
    side.innerAccess.length === 0
      ? []
      : [
          `then ${styleVerdict("accept")} between members of ${cleanText(side.innerAccess.join(", "))} (inner access)`,
        ];
  const by = side.defaultBy.length === 0 ? "" : ` (defaultEgress of ${cleanText(side.defaultBy.join(", "))})`;
  return [...inner, `then ${styleVerdict(side.default)}${by}`];
}
