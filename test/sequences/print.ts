/** Writes a script as text that parse.ts reads back as the same. */
import { emptySetting, emptySettings } from "./parse.ts";
import type { Body, PacketSpec, Script, ScriptSetting, ScriptStep } from "./script.ts";

function printBody(body: Body): string {
  switch (body.kind) {
    case "tcp": {
      const { ports, flags, sequence, length, acknowledgement } = body;
      const range = `${sequence}:${(sequence + length) % 2 ** 32}(${length})`;
      const ack = acknowledgement === 0 ? "" : ` ack ${acknowledgement}`;
      return `tcp ${ports.source}>${ports.destination} ${flags === "" ? "-" : flags} ${range}${ack}`;
    }
    case "udp":
      return `udp ${body.ports.source}>${body.ports.destination} (${body.length})`;
    case "echo":
      return `${body.name} ${body.identifier} (${body.length})`;
    case "protocol":
      return `protocol ${body.number} (${body.length})`;
    case "neighbour":
      return body.name;
    case "error": {
      const cut = body.cut === null ? "" : ` cut ${body.cut}`;
      return `${body.name} ${body.value} quoting ${body.quoted}${cut}`;
    }
    default: {
      const never: never = body;
      return never;
    }
  }
}

function printPacket(packet: PacketSpec): string {
  const { part } = packet;
  return [
    packet.direction === "egress" ? ">" : "<",
    printBody(packet.body),
    ...(packet.on === "eni-1" ? [] : [`on ${packet.on}`]),
    ...(packet.from === null ? [] : [`from ${packet.from}`]),
    ...(packet.to === null ? [] : [`to ${packet.to}`]),
    ...(packet.extra === null ? [] : [`with ${packet.extra}`]),
    ...(part === null ? [] : [`part ${part.first}:${part.end} id ${part.id}`]),
    ...(packet.hops === null ? [] : [`hops ${packet.hops}`]),
    ...(packet.wrongChecksum ? ["checksum wrong"] : []),
    ...(packet.label === null ? [] : [`as ${packet.label}`]),
  ].join(" ");
}

function printSetting(setting: ScriptSetting, before: ScriptSetting): string[] {
  const rules = setting.rules.length === 0 ? "none" : setting.rules.join("; ");
  return [
    ...(setting.rules.join() === before.rules.join() ? [] : [`rules ${rules}`]),
    ...(setting.defaultEgress === before.defaultEgress ? [] : [`default-egress ${setting.defaultEgress}`]),
    ...(setting.innerAccess === before.innerAccess ? [] : [`inner-access ${setting.innerAccess}`]),
  ];
}

function printStep(step: ScriptStep, before: ScriptSetting): string[] {
  switch (step.kind) {
    case "packet":
      return [`${printPacket(step.packet)}  expect ${step.expect.replace(/ none$/, "")}`];
    case "session": {
      const of = step.of === null ? "" : `of ${step.of} `;
      return [`session ${of}${step.state}${step.expires === null ? "" : `, expires ${step.expires}`}`];
    }
    case "change": {
      const lines = printSetting(step.setting, before);
      const rules = step.setting.rules.length === 0 ? "none" : step.setting.rules.join("; ");
      return lines.length === 0 ? [`rules ${rules}`] : lines;
    }
    default: {
      const never: never = step;
      return never;
    }
  }
}

function printHead({ asks, departs, families, settings, setting }: Script): string[] {
  const { midstream, establishedSessions, timeouts } = settings;
  const names = Object.keys(timeouts) as (keyof typeof timeouts)[];
  return [
    ...asks.map((one) => `asks ${one}`),
    ...departs.map((one) => `departs ${one}`),
    ...(families.length === 1 ? [`families ${families[0]}`] : []),
    ...(midstream === emptySettings.midstream ? [] : [`midstream ${midstream}`]),
    ...(establishedSessions === emptySettings.establishedSessions
      ? []
      : [`established-sessions ${establishedSessions}`]),
    ...names
      .filter((name) => timeouts[name] !== emptySettings.timeouts[name])
      .map((name) => `timeout ${name} ${timeouts[name]}`),
    ...printSetting(setting, emptySetting),
  ];
}

export function printScript(script: Script): string {
  const lines = printHead(script);
  let { setting } = script;
  for (const step of script.steps) {
    lines.push(...printStep(step, setting).map((text) => `${step.time} ${text}`));
    if (step.kind === "change") setting = step.setting;
  }
  return `${lines.join("\n")}\n`;
}
