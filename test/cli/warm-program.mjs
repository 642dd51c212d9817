// Runs command lines of the built program one after the other, so that its code is read once for all of them: a message
// {args} in, {code, stdout, stderr} out. Each runs build/dist/main.js afresh, with everything that the program does itself.
import { setMaxListeners } from "node:events";

const [main] = process.argv.slice(2);
const own = { out: process.stdout.write, error: process.stderr.write };
let turn = 0;
setMaxListeners(0, process.stdout, process.stderr);

/** What is written from now on, as text. */
function collect(stream) {
  let text = "";
  stream.write = (chunk, ...rest) => {
    text += typeof chunk === "string" ? chunk : Buffer.from(chunk).toString();
    rest.find((word) => typeof word === "function")?.();
    return true;
  };
  return () => text;
}

async function run(args) {
  const [stdout, stderr] = [collect(process.stdout), collect(process.stderr)];
  process.argv = [process.execPath, main, ...args];
  process.exitCode = undefined;
  await import(`${main}?${turn++}`);
  process.stdout.write = own.out;
  process.stderr.write = own.error;
  return { code: process.exitCode ?? 0, stdout: stdout(), stderr: stderr() };
}

process.on("message", async ({ args }) => process.send(await run(args)));
process.on("disconnect", () => process.exit());
