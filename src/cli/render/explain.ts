import { cleanText, type ExplainReply } from "../../agent/protocol.ts";
import { formatRule } from "./packet.ts";
import { style, styleVerdict } from "./style.ts";

type Side = ExplainReply["sides"][number];
type Near = NonNullable<ExplainReply["near"]>;

/** A verdict for people: the answer, each protected end, what the kernel said, and what would change it. */
export function renderExplanation(reply: ExplainReply): string {
  const lines = [styleVerdict(reply.verdict), ...reply.sides.flatMap(renderSide), renderKernel(reply)];
  if (reply.near !== undefined) lines.push("", ...renderNear(reply.near));
  return lines.join("\n");
}

function renderSide(side: Side): string[] {
  const by =
    side.rule === null ? "" : ` by ${cleanText(formatRule(side.rule))}, priority ${side.rule.priority}`;
  const head = `  ${cleanText(side.interface)} ${side.direction}: ${styleVerdict(side.verdict)} ${side.reason}${by}`;
  const considered = (side.considered ?? []).map((rule) => {
    const why = rule.differs.length === 0 ? "decides" : `another ${rule.differs.join(", ")}`;
    return style.aside(
      `    ${cleanText(formatRule(rule))}, priority ${rule.priority}, ${rule.policy}: ${why}`,
    );
  });
  return [head, ...considered];
}

function renderKernel({ kernel }: ExplainReply): string {
  if (kernel === null) return style.aside("  kernel: not asked");
  if (kernel.agrees) return style.aside(`  kernel: ${kernel.verdict}, as the rules say`);
  const said = (kernel.sides ?? []).map(
    (side) => `${cleanText(side.interface)} ${side.direction} ${side.verdict} ${side.reason}`,
  );
  return style.bad(`  kernel: ${kernel.verdict}, unlike the rules (${said.join("; ")})`);
}

function renderNear(near: Near): string[] {
  const { rule, differs, smallest } = near;
  const nearest =
    rule === null
      ? `No rule of ${cleanText(near.interface)} accepts anything ${near.direction}.`
      : `Nearest is ${cleanText(formatRule(rule))}: ${differs.map(({ field, rule: says, packet }) => `its ${field} is ${cleanText(says)}, the packet's ${cleanText(packet)}`).join("; ")}.`;
  return [
    nearest,
    `This rule in ${cleanText(smallest.group)} would let just this pass:`,
    `  ${cleanText(smallest.yaml)}`,
    `or: ${cleanText(smallest.command)}`,
  ];
}
