import { setImmediate } from "node:timers/promises";
import type { PacketVerdict } from "../kernel/status.ts";
import type { TestRun } from "../kernel/testrun.ts";
import type { Direction, Interface } from "../model/model.ts";
import { nameRule, type RuleName } from "../policy/evaluate.ts";
import type { Resolved } from "../policy/types.ts";
import type { CapturedPacket } from "./capture.ts";
import { directionOf } from "./direction.ts";

/** What became of a packet of a capture. */
export interface ReplayedPacket {
  readonly packet: number;
  /** null: it was not judged, and `problem` says why. */
  readonly verdict: "accept" | "drop" | null;
  readonly reason: string | null;
  readonly session: "none" | "new" | "established" | "related";
  readonly rule: RuleName | null;
  readonly direction: Direction;
  readonly problem?: string;
}

export interface ReplayOptions {
  readonly run: Pick<TestRun, "run">;
  readonly resolved: Resolved;
  readonly iface: Interface;
  /** Of every packet; left out: by its source. */
  readonly direction?: Direction | undefined;
}

interface Judged {
  readonly packet: CapturedPacket;
  readonly direction: Direction;
  readonly time: number;
}

/** As many packets go to the kernel in one call; output begins, and Ctrl-C is heard, between calls. */
const batchSize = 1024;

/** Sends packets through the programs in their order, with the capture's clock, and yields what became of each. */
export async function* replayPackets(
  packets: Iterable<CapturedPacket>,
  options: ReplayOptions,
): AsyncGenerator<ReplayedPacket> {
  let batch: Judged[] = [];
  let time = 0;
  for (const packet of packets) {
    // A packet without a time came when the one before it did.
    time = packet.time ?? time;
    const direction = options.direction ?? directionOf(packet.bytes, options.iface);
    const [first] = batch;
    if (first !== undefined && (first.direction !== direction || batch.length === batchSize)) {
      yield* judgeBatch(batch, options);
      batch = [];
      await setImmediate();
    }
    batch.push({ packet, direction, time });
  }
  yield* judgeBatch(batch, options);
}

/** All packets of a batch go one way. */
function judgeBatch(batch: readonly Judged[], { run, resolved, iface }: ReplayOptions): ReplayedPacket[] {
  const [first] = batch;
  if (first === undefined) return [];
  const whole = batch.filter(({ packet }) => packet.bytes.length === packet.length);
  const verdicts = run.run({
    interface: iface.id,
    direction: first.direction,
    packets: whole.map(({ packet }) => packet.bytes),
    times: whole.map(({ time }) => time),
  });
  const byNumber = new Map(whole.map(({ packet }, index) => [packet.number, verdicts[index] ?? null]));
  return batch.map(({ packet, direction }) =>
    describePacket(packet, direction, byNumber.get(packet.number), resolved, iface),
  );
}

function describePacket(
  { number, bytes, length }: CapturedPacket,
  direction: Direction,
  verdict: PacketVerdict | null | undefined,
  resolved: Resolved,
  iface: Interface,
): ReplayedPacket {
  if (verdict === undefined || verdict === null) {
    const problem =
      verdict === undefined
        ? `the capture has ${bytes.length} of its ${length} bytes: capture whole packets, \`tcpdump -s 0\``
        : `the kernel's test run takes no frame of ${bytes.length} bytes like this one`;
    return { packet: number, verdict: null, reason: null, session: "none", rule: null, direction, problem };
  }
  const { reason, session, rule, ruleSide } = verdict;
  const named = rule === null ? null : nameByNumber(resolved, iface, ruleSide, rule);
  return { packet: number, verdict: verdict.verdict, reason, session, rule: named, direction };
}

function nameByNumber(
  resolved: Resolved,
  iface: Interface,
  side: Direction,
  number: number,
): RuleName | null {
  const policy = resolved.interfaces.find(({ interface: { id } }) => id === iface.id)?.policy;
  const ordered = policy === undefined ? undefined : resolved.policies.get(policy)?.sides[side].rules[number];
  const group = ordered === undefined ? undefined : resolved.model.groups.get(ordered.group);
  return ordered === undefined || group === undefined ? null : nameRule({ group, rule: ordered.rule });
}
