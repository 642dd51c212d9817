/**
 * Runs the functions that a test sends, with the addon, in the network namespace that it was started in.
 * Arguments: the addon's path.
 */
import { createSocket } from "node:dgram";
import { createRequire } from "node:module";

const addon = createRequire(import.meta.url)(process.argv[2]);

/** Sends `count` datagrams of 100 bytes; settles when all have left. */
async function sendDatagrams(address, count) {
  const socket = createSocket("udp4");
  try {
    for (let i = 0; i < count; i++)
      await new Promise((settle, fail) =>
        socket.send(new Uint8Array(100), 9, address, (error) => (error ? fail(error) : settle())),
      );
  } finally {
    socket.close();
  }
}

/** The sum of a fx_counts entry over all CPUs. */
function readCount(object, place) {
  const map = object.map("fx_counts");
  const values = map.get(new Uint8Array(Uint32Array.of(place).buffer));
  map.close();
  const numbers = new Uint32Array(values.buffer);
  return numbers.filter((_, i) => i % 2 === 0).reduce((sum, n) => sum + n, 0);
}

const context = {
  addon,
  state: { events: [], monitor: undefined, errors: [], links: [], programs: [] },
  sendDatagrams,
  readCount,
};

process.on("uncaughtException", (error) => context.state.errors.push(String(error?.message)));
process.on("disconnect", () => process.exit());
process.on("message", async ({ source, args }) => {
  try {
    const body = new Function(`return (${source});`)();
    process.send({ value: await body(context, ...args) });
  } catch (error) {
    const { message, code, errno, log } = error;
    process.send({ failure: { message, code, errno, log } });
  }
});
