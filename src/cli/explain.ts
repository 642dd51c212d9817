import { type Ask, answerQuestion } from "../agent/explain.ts";
import { Failure } from "../agent/failure.ts";
import type { ExplainReply, Question } from "../agent/protocol.ts";
import { mayLoadPrograms, readCapabilities } from "../kernel/capabilities.ts";
import { EnforcementError } from "../kernel/errors.ts";
import type { Model } from "../model/model.ts";
import { refusal } from "./exit.ts";
import { readRules, requireModel } from "./rules.ts";
import type { TestKernel } from "./test-kernel.ts";

/** `explain --rules`: the oracle's answer, and the kernel's where this user may load programs. */
export async function explainByRules(
  question: Question,
  path: string,
  host: string | undefined,
): Promise<ExplainReply> {
  const model = requireModel(readRules([path], { host }));
  const kernel = await tryTestKernel(model, host);
  try {
    return await answerQuestion(model, question, kernel === null ? null : asker(kernel));
  } catch (error) {
    if (error instanceof Failure) throw refusal(error.message);
    throw error;
  } finally {
    kernel?.run.close();
  }
}

async function tryTestKernel(model: Model, host: string | undefined): Promise<TestKernel | null> {
  // Half of the program is read, and the rules compiled, for those alone whose programs the kernel would look at.
  if (!mayLoadPrograms(readCapabilities())) return null;
  const { openTestKernel } = await import("./test-kernel.ts");
  try {
    return await openTestKernel(model, host);
  } catch (error) {
    if (error instanceof EnforcementError) return null;
    throw error;
  }
}

/** Interfaces of other hosts are not in this host's programs. */
function asker({ run, resolved }: TestKernel): Ask {
  const here = new Set(resolved.interfaces.map(({ interface: { id } }) => id));
  return async (id, direction, frame) => {
    if (!here.has(id)) return null;
    const [verdict] = run.run({ interface: id, direction, packets: [frame], times: [Date.now() / 1000] });
    return verdict ?? null;
  };
}
