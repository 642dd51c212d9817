/** Plays a script on the oracle. */
import type { Family } from "../../src/model/model.ts";
import { Oracle } from "../../src/policy/oracle/oracle.ts";
import { type Session, sessionKey, timeoutOf } from "../../src/policy/oracle/session.ts";
import { readPacket } from "../../src/policy/packet.ts";
import { modelOf } from "../semantics/setting.ts";
import { sayOracle } from "../support/say.ts";
import { frameOf, type Judge, saySession, scriptStart } from "./judge.ts";
import { type Script, type ScriptStep, type StateName, settingOf } from "./script.ts";

export function stateOf({ state, revoked }: Session): StateName {
  if (revoked !== null) return "revoked";
  switch (state.kind) {
    case "tcp":
      return state.tcp.phase;
    case "udp":
      return state.replied ? "replied" : "unreplied";
    case "icmp":
    case "others":
      return state.kind;
    default: {
      const never: never = state;
      return never;
    }
  }
}

/** One script on an oracle of its own, a step at a time. */
export class OraclePlay {
  readonly #script: Script;
  readonly #family: Family;
  readonly #oracle: Oracle;

  constructor(script: Script, family: Family) {
    this.#script = script;
    this.#family = family;
    const model = modelOf(settingOf(script.setting), { family, start: scriptStart });
    this.#oracle = new Oracle(model, { ...script.settings, host: "here" });
  }

  perform(step: ScriptStep): string | null {
    switch (step.kind) {
      case "packet": {
        const { on, direction } = step.packet;
        const frame = frameOf(this.#script, step.packet, this.#family);
        return sayOracle(this.#oracle.judge(on, direction, frame, scriptStart + step.time));
      }
      case "session":
        return this.#saySession(step);
      case "change": {
        const moment = { family: this.#family, start: scriptStart };
        this.#oracle.change(modelOf(settingOf(step.setting), moment));
        return null;
      }
      default: {
        const never: never = step;
        return never;
      }
    }
  }

  #saySession({ packet, time }: Extract<ScriptStep, { kind: "session" }>): string {
    // Of the whole datagram: a later fragment alone has no ports.
    const read = readPacket(frameOf(this.#script, { ...packet, part: null }, this.#family));
    if (typeof read === "string" || read.body.kind !== "ip") throw new Error("the packet has no session");
    const key = sessionKey(read.body, packet.direction);
    const now = scriptStart + time;
    const session = this.#oracle.sessions(packet.on, now).find((one) => one.key === key);
    if (session === undefined) return saySession("none", 0);
    if (session.revoked !== null && session.state.kind === "tcp") return saySession(stateOf(session), null);
    const since = session.revoked ?? session.seen;
    const timeout = timeoutOf(session.state, this.#script.settings.timeouts);
    return saySession(stateOf(session), Math.max(0, timeout - (now - since)));
  }
}

export const oracleJudge: Judge = {
  name: "oracle",
  async play(script, family) {
    const play = new OraclePlay(script, family);
    return script.steps.map((step) => play.perform(step));
  },
};
