import { createInterface } from "node:readline/promises";
import { refusal } from "./exit.ts";

/**
 * Asks at the terminal whether something is meant that opens what was closed.
 * @throws CliError where the answer is not `word`, or nobody can be asked
 */
export async function confirmAtTerminal(what: string, word: string): Promise<void> {
  if (process.stdin.isTTY !== true)
    throw refusal(`${what}\nNobody can be asked here: --yes says that you mean it.`);
  const prompt = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const answer = await prompt.question(`${what}\nType "${word}" to go on: `);
    if (answer.trim() !== word) throw refusal("Nothing was changed.");
  } finally {
    prompt.close();
  }
}
