// Ends of the race between a device and its protection. `fire JSON` of {count}: datagrams from every guest's device
// without pause, as soon as it is there; `hear JSON` of {count, links}: how many came through from each, and how long
// after a device appeared its programs stood (by the pin that is made after the last of them), until a line comes in.
import { createSocket } from "node:dgram";
import { existsSync } from "node:fs";
import { createRequire } from "node:module";

const [mode, argument] = process.argv.slice(2);
const { count, links, addon } = JSON.parse(argument);
const port = 9999;

async function fire() {
  const socket = createSocket("udp4");
  socket.on("error", () => {});
  console.log("firing");
  for (;;) {
    for (let guest = 1; guest <= count; guest++) socket.send("x", port, `10.1.${guest}.254`, () => {});
    // One after the other and not without end: the agent needs the CPUs, too.
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

function hear() {
  const { LinkMonitor } = createRequire(import.meta.url)(addon);
  const heard = new Map();
  const gaps = {};
  const late = {};
  const seen = new Map();
  const socket = createSocket({ type: "udp4", recvBufferSize: 8 << 20 });
  socket.on("message", (_, { address }) => {
    const guest = Number(address.split(".")[2]);
    heard.set(guest, (heard.get(guest) ?? 0) + 1);
  });
  const monitor = new LinkMonitor((event) => {
    if (event.type !== "new" || !event.link.name.startsWith("tap") || seen.has(event.link.ifindex)) return;
    const { ifindex, name } = event.link;
    const from = process.hrtime.bigint();
    seen.set(ifindex, name);
    const look = () => {
      if (!existsSync(`${links}/${ifindex}-tc-ingress`)) return setTimeout(look, 1);
      const guest = Number(name.slice(3));
      gaps[guest] = Number(process.hrtime.bigint() - from) / 1e6;
      // What was let in before still stands in the socket's queue.
      setTimeout(() => {
        late[guest] = heard.get(guest) ?? 0;
      }, 200);
    };
    look();
  });
  socket.bind(port, () => console.log("hearing"));
  process.stdin.on("data", () => {
    console.log(JSON.stringify({ heard: Object.fromEntries(heard), gaps, atAttachment: late }));
    if (mode === "end") monitor.close();
  });
}

if (mode === "fire") await fire();
else hear();
