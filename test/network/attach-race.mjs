// Ends of the race between a device and its protection. `fire JSON` of {count}: datagrams from every guest's device
// without pause, as soon as it is there; `hear JSON` of {count, links}: how many came through from each, how many of them
// were sent when its programs already stood (by the pin that is made after the last of them), and how long after it appeared that
// was; said for each line that comes in. What measures goes before all others, and is told of each pin: what it waits for itself
// would be taken for the agent's.
import { createSocket } from "node:dgram";
import { readdirSync, watch } from "node:fs";
import { createRequire } from "node:module";
import { setPriority } from "node:os";

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
  /** By ifindex: whose device, and when it was heard of; and when its last pin was. */
  const appeared = new Map();
  const pinned = new Map();
  const socket = createSocket({ type: "udp4", recvBufferSize: 8 << 20 });
  socket.on("message", (message, { address }) => {
    const guest = Number(address.split(".")[2]);
    sent.set(guest, [...(sent.get(guest) ?? []), Number(message)]);
  });
  const compare = (ifindex) => {
    const [device, at] = [appeared.get(ifindex), pinned.get(ifindex)];
    if (device === undefined || at === undefined || device.guest in gaps) return;
    gaps[device.guest] = Number(at - device.from) / 1e6;
    attached.set(device.guest, Date.now());
  };
  new LinkMonitor((event) => {
    if (event.type !== "new" || !event.link.name.startsWith("tap") || appeared.has(event.link.ifindex))
      return;
    const { ifindex, name } = event.link;
    appeared.set(ifindex, { guest: Number(name.slice(3)), from: process.hrtime.bigint() });
    compare(ifindex);
  });
  const takePin = (name) => {
    const [, ifindex] = /^(\d+)-tc-ingress$/.exec(name) ?? [];
    if (ifindex === undefined || pinned.has(Number(ifindex))) return;
    pinned.set(Number(ifindex), process.hrtime.bigint());
    compare(Number(ifindex));
  };
  const followPins = () => {
    try {
      watch(links, (_, name) => takePin(name));
      for (const name of readdirSync(links)) takePin(name);
    } catch {
      // There is no such folder before the first of them.
      setTimeout(followPins, 1);
    }
  };
  setPriority(-20);
  followPins();
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
