import type { ExplainReply } from "../../agent/protocol.ts";
import { cleanText } from "../../model/printable.ts";
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
  if (kernel.agrees)
    return style.aside(`  kernel: ${kernel.verdict}, as the rules say${renderAsked(kernel)}`);
  const said = (kernel.sides ?? []).map(
    (side) => `${cleanText(side.interface)} ${side.direction} ${side.verdict} ${side.reason}`,
  );
  const told = `  kernel: ${kernel.verdict}, unlike the rules (${said.join("; ")})`;
  return isStateOfKernel(kernel)
    ? style.warning(`${told}\n  \`ringwall status\` says what the interface lacks.`)
    : style.bad(`${told}\n  ${bugText}`);
}

/** An end of another host is for that host's kernel to judge. */
function renderAsked({ sides }: NonNullable<ExplainReply["kernel"]>): string {
  if (sides === undefined) return "";
  const asked = sides.map((side) => `${cleanText(side.interface)} ${side.direction}`);
  return ` of ${asked.join(", ")}; the other end is not on this host`;
}

const bugText =
  "This is a bug of Ringwall. Please report it, with what `ringwall explain … --considered --json` and " +
  "`ringwall status --json` print.";

/** Reasons that are no verdict on the packet: the interface is not at work, or its bounds are reached. */
const stateReasons: ReadonlySet<string> = new Set(["not-ready", "rate-limit", "table-full"]);

function isStateOfKernel({ sides = [] }: NonNullable<ExplainReply["kernel"]>): boolean {
  return sides.some(({ reason }) => stateReasons.has(reason));
}

function renderNear(near: Near): string[] {
  const { rule, differs, smallest } = near;
  const nearest =
    rule === null
      ? `No rule of ${cleanText(near.interface)} accepts anything ${near.direction}.`
      : `Nearest is ${cleanText(formatRule(rule))}: ${differs.map(({ field, rule: says, packet }) => `its ${field} is ${cleanText(says)}, the packet's ${cleanText(packet)}`).join("; ")}.`;
  return [
    nearest,
    smallest.exact
      ? `This rule in ${cleanText(smallest.group)} would let just this pass:`
      : `Port 0 is held by rules about every port only; this one in ${cleanText(smallest.group)} would let it pass:`,
    `  ${cleanText(smallest.yaml)}`,
    `or: ${cleanText(smallest.command)}`,
  ];
}
