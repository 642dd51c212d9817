/** Asks the live programs what would become of a frame. */
import type { Direction } from "../model/model.ts";
import type { SyncEngine } from "./engine.ts";
import { EnforcementError, errorText } from "./errors.ts";
import { fitsTc } from "./frames.ts";
import { Limit } from "./layout.gen.ts";
import type { Programs } from "./objects.ts";
import { loopback, placeScratch, removeScratch, traceCount } from "./scratch.ts";
import { recordPlaces } from "./state.ts";
import type { PacketVerdict } from "./status.ts";
import { decodeTraces } from "./trace.ts";

/**
 * The verdict on one frame that opens a session, on an interface of this host. Throws UNKNOWN_INTERFACE, and
 * PACKET where the kernel's test run does not take the frame. One question at a time: the caller sees to it.
 */
export async function askPrograms(
  engine: SyncEngine,
  programs: Programs,
  question: { readonly interface: string; readonly direction: Direction; readonly frame: Uint8Array },
  cpus: number,
): Promise<PacketVerdict> {
  const { direction, frame } = question;
  if (direction === "ingress" && !fitsTc(frame)) {
    throw new EnforcementError(
      "PACKET",
      `the kernel runs no frame of ${frame.length} bytes at tc: give 34 to 3712`,
    );
  }
  const number = engine.scratchNumber;
  const least = Limit.SESSION_TABLE_MIN * cpus;
  await engine.tables.prepare(new Map([[number, { established: least, answered: least, opening: least }]]));
  const [record] = recordPlaces(number);
  const copy = placeScratch(engine, question.interface, { record, number });
  try {
    const before = traceCount(engine);
    const program = direction === "egress" ? programs.guest_xdp : programs.guest_tc_egress;
    const { traces } = program.testRunMany({ packets: [frame], trace: engine.maps.trace, ifindex: loopback });
    const [verdict] = decodeTraces(traces, before);
    if (verdict === undefined || verdict === null)
      throw new EnforcementError("PACKET", "the programs judged nothing");
    return verdict;
  } catch (error) {
    if (error instanceof EnforcementError) throw error;
    throw new EnforcementError("PACKET", `the kernel did not run the frame: ${errorText(error)}`, {
      cause: error,
    });
  } finally {
    removeScratch(engine, record, copy);
    await engine.tables.flush(number);
  }
}
