// Ends of the race between a device and its protection. `fire JSON` of {count}: datagrams from every guest's device
// without pause, as soon as it is there; `hear JSON` of {count, links}: how many came through from each, how many of them
// were sent when its programs already stood (by the pin that is made after the last of them), and how long after it appeared that
// was; said for each line that comes in.
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
    for (let guest = 1; guest <= count; guest++)
      socket.send(String(Date.now()), port, `10.1.${guest}.254`, () => {});
    // One after the other and not without end: the agent needs the CPUs, too.
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

function hear() {
  const { LinkMonitor } = createRequire(import.meta.url)(addon);
  /** When each datagram was sent, by guest, ms since the epoch; and when a guest's programs stood. */
  const sent = new Map();
  const attached = new Map();
  const gaps = {};
  const seen = new Set();
  const socket = createSocket({ type: "udp4", recvBufferSize: 8 << 20 });
  socket.on("message", (message, { address }) => {
    const guest = Number(address.split(".")[2]);
    sent.set(guest, [...(sent.get(guest) ?? []), Number(message)]);
  });
  new LinkMonitor((event) => {
    if (event.type !== "new" || !event.link.name.startsWith("tap") || seen.has(event.link.ifindex)) return;
    const { ifindex, name } = event.link;
    const from = process.hrtime.bigint();
    seen.add(ifindex);
    const look = () => {
      if (!existsSync(`${links}/${ifindex}-tc-ingress`)) return setTimeout(look, 1);
      const guest = Number(name.slice(3));
      gaps[guest] = Number(process.hrtime.bigint() - from) / 1e6;
      attached.set(guest, Date.now());
    };
    look();
  });
  socket.bind(port, () => console.log("hearing"));
  process.stdin.on("data", () => {
    const heard = {};
    const late = {};
    for (const [guest, times] of sent) {
      heard[guest] = times.length;
      // One may be sent in the millisecond in which the programs were seen, and still be before them.
      late[guest] = times.filter(
        (time) => time > (attached.get(guest) ?? Number.POSITIVE_INFINITY) + 1,
      ).length;
    }
    console.log(JSON.stringify({ heard, late, gaps }));
  });
}

if (mode === "fire") await fire();
else hear();
