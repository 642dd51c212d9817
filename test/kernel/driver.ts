/**
 * Runs inside a network namespace: an Enforcement that the test steers by one line of JSON a command. It is
 * bundled and started by namespace.ts, so that it can be killed at any moment.
 */
import { once } from "node:events";
import { connect } from "node:net";
import { createInterface } from "node:readline";
import { SetDownFile } from "../../src/agent/set-down-file.ts";
import { Enforcement } from "../../src/kernel/enforcement.ts";
import type { ModelInForce } from "../../src/kernel/enforcer.ts";
import { type BpfLink, native } from "../../src/kernel/native.ts";
import { gather } from "../../src/kernel/pieces.ts";
import type { ApplyReport, KernelStatus, PacketEvent } from "../../src/kernel/status.ts";
import { defaultLimits } from "../../src/model/model.ts";
import { parseModel } from "../../src/model/parse.ts";
import { compileAll } from "../../src/policy/compile.ts";
import { resolve } from "../../src/policy/resolve.ts";
import { askForwarding } from "../support/forwarding.ts";
import { turns } from "../support/turns.mjs";
import { runClsact } from "./clsact.ts";
import { faults } from "./faults.ts";
import { sendFlood } from "./flood-live.ts";
import { forge } from "./forge.ts";
import { type ModelName, models, type SettingsGiven, settingsOf } from "./scenarios.ts";
import { smallMaps } from "./sizes.ts";

/** Questions of what stands at a device's tc hooks, by ifindex, since they are counted. */
const questions = new Map<number, number>();

function countQuestions(): void {
  const addon: { queryTcx: ReturnType<typeof native>["queryTcx"] } = native();
  const { queryTcx } = addon;
  addon.queryTcx = (where) => {
    questions.set(where.ifindex, (questions.get(where.ifindex) ?? 0) + 1);
    return queryTcx(where);
  };
}

let enforcement: Enforcement | null = null;
let foreign: BpfLink | null = null;
const events: PacketEvent[] = [];

function opened(): Enforcement {
  if (enforcement === null) throw new Error("open was not called");
  return enforcement;
}

/** Brings a model into force, and says the status after it. */
async function applied(
  { resolved, policies }: ModelInForce,
  seconds: number | null = null,
): Promise<KernelStatus & ApplyReport> {
  const report = await opened().apply(resolved, policies, seconds);
  return { ...opened().status(), ...report };
}

function compiled(name: ModelName) {
  const resolved = resolve(models[name], { host: "here" });
  return { resolved, policies: compileAll(resolved) };
}

/** Within TCP's first second, so that what is refused is asked once, ms. */
const connectPatience = 900;

/** "open", or the error's code; "timeout" where nothing answers. */
async function tryConnect(host: string, port: number): Promise<string> {
  let outcome: string | null = null;
  const socket = connect({ host, port });
  socket.once("connect", () => {
    outcome ??= "open";
  });
  socket.once("error", (error: NodeJS.ErrnoException) => {
    outcome ??= error.code ?? "error";
  });
  await turns(connectPatience, () => outcome !== null);
  socket.destroy();
  return outcome ?? "timeout";
}

let held: { sent: number; echoed: number; broken: string | null } | null = null;

/** A connection that sends without pause, to an echo. */
async function hold({ host, port }: { host: string; port: number }): Promise<void> {
  const state = { sent: 0, echoed: 0, broken: null as string | null };
  held = state;
  const socket = connect({ host, port });
  await once(socket, "connect");
  socket.on("data", (bytes) => {
    state.echoed += bytes.length;
  });
  socket.on("error", (error) => {
    state.broken = error.message;
  });
  socket.on("close", () => {
    state.broken ??= "closed";
  });
  setInterval(() => {
    if (socket.write("x")) state.sent++;
  }, 5);
}

/** From now on nothing is done again and again in this process. */
function stopLooking(): void {
  const never = (() => setTimeout(() => undefined, 0)) as unknown as typeof setInterval;
  globalThis.setInterval = never;
}

const commands = {
  hold,
  held: async () => held,
  async open(options: {
    object: string;
    root: string;
    settings: SettingsGiven;
    interfaces?: number;
    mapSizes?: Record<string, number>;
    /** It looks at nothing by itself: what somebody did to its devices stays until a sweep. */
    blind?: boolean;
    /** The folder of what outlives it, where anything does. */
    state?: string;
  }) {
    const { settings: given, blind = false, state, mapSizes = {}, ...others } = options;
    if (blind) stopLooking();
    const fail = (message: string) => {
      throw new Error(message);
    };
    const kept = state === undefined ? {} : { setDown: new SetDownFile(state, fail) };
    enforcement = await Enforcement.open({
      ...others,
      ...kept,
      mapSizes: { ...smallMaps, ...mapSizes },
      settings: settingsOf(given),
    });
    return { adopted: enforcement.adopted };
  },
  apply: async (name: ModelName) => applied(compiled(name)),
  /** Rules as text, of the host "here". */
  applyRules: async (text: string) => {
    const files = [{ path: "rules.yaml", text: askForwarding(text) }];
    const { model, diagnostics } = parseModel(files, {
      limits: defaultLimits,
      host: "here",
    });
    if (model === null) throw new Error(JSON.stringify(diagnostics));
    const resolved = resolve(model, { host: "here" });
    return applied({ resolved, policies: compileAll(resolved) });
  },
  /** Until `seconds` are over, or it is kept. */
  applyFor: async ({ model, seconds }: { model: ModelName; seconds: number }) =>
    applied(compiled(model), seconds),
  resume: async ({ before, waiting }: { before: ModelName; waiting: ModelName }) =>
    opened().resume(compiled(before), compiled(waiting)),
  confirmation: async () => opened().confirmation,
  verify: async () => opened().verify(),
  decide: async (decision: "keep" | "undo") => opened().decide(decision),
  forget: async () => opened().forget(),
  /** Changes without end, until the driver is killed. */
  async flip(names: readonly ModelName[]): Promise<never> {
    for (let turn = 0; ; turn++) await commands.apply(names[turn % names.length] ?? "open80");
  },
  configure: async (given: SettingsGiven) => opened().configure(settingsOf(given)),
  status: async () => opened().status(),
  sessions: async () => gather(await opened().sessions()),
  end: async () => opened().endSessions({}),
  sweep: async () => opened().sweep(),
  counters: async () => opened().counters(),
  lost: async () => opened().lost(),
  listen: async () => void opened().onEvent((event) => events.push(event)),
  events: async () => events,
  ask: async (question: { interface: string; direction: "egress" | "ingress"; frame: string }) =>
    opened().ask(question.interface, question.direction, new Uint8Array(Buffer.from(question.frame, "hex"))),
  release: async (ifindex: number) => opened().release(ifindex),
  close: async (options: { detach: boolean }) => opened().close(options),
  connect: ({ host, port }: { host: string; port: number }) => tryConnect(host, port),
  /** Somebody with the right to it takes a link off its device. */
  sabotage: async (pin: string) => native().BpfLink.openPinned(pin).detach(),
  /** Programs at a device's tc hooks, egress first, each hook's in their order. */
  programsAt: async (ifindex: number) =>
    (["egress", "ingress"] as const).flatMap((direction) => native().queryTcx({ ifindex, direction })),
  countQuestions: async () => countQuestions(),
  questions: async () => Object.fromEntries(questions),
  clsact: ({ object, root, device }: { object: string; root: string; device: string }) =>
    runClsact(object, root, device),
  flood: sendFlood,
  ...forge,
  ...faults,
  /** Somebody else's XDP program on a device. */
  async occupy({ object, ifindex }: { object: string; ifindex: number }) {
    const loaded = native().BpfObject.load({ path: object, programs: ["clock_probe"] });
    foreign = loaded.program("clock_probe").attachXdp({ ifindex, mode: "native" });
    return foreign.info();
  },
  vacate: async () => foreign?.detach(),
  /** Just before the agent sets a device down, somebody sets it up: the agent was not told so yet. */
  async raiseUnseen() {
    const addon = native();
    const { setLinkUp } = addon;
    const raiseFirst = (ifindex: number, up: boolean) => {
      Object.assign(addon, { setLinkUp });
      setLinkUp(ifindex, true);
      return setLinkUp(ifindex, up);
    };
    Object.assign(addon, { setLinkUp: raiseFirst });
  },
};

interface Command {
  readonly id: number;
  readonly name: keyof typeof commands;
  readonly argument: never;
}

function answer(id: number, body: object): void {
  const text = JSON.stringify({ id, ...body }, (_, value) =>
    typeof value === "bigint" ? String(value) : value,
  );
  process.stdout.write(`${text}\n`);
}

createInterface({ input: process.stdin })
  .on("line", (line) => {
    const { id, name, argument }: Command = JSON.parse(line);
    const work: Promise<unknown> = commands[name](argument);
    work.then(
      (value) => answer(id, { value }),
      (error: Error & { code?: string }) => answer(id, { error: error.message, code: error.code }),
    );
  })
  .on("close", () => process.exit(0));
