// One end of test traffic, run inside a guest's namespace: `serve`, `call JSON` of {host, count}, or `flow JSON` of
// {host, count}: flows that go on until a line comes in, then say what became of them; `spray JSON` of {host}: new
// flows only, until a line comes in; `sink`: what it hears.
import { createSocket } from "node:dgram";
import { connect, createServer } from "node:net";

const ports = { tcp: [8080, 8081], udp: [9080, 9081] };
/** Shorter than TCP's first retransmission (1 s), so that a refused SYN is sent once. */
const patience = 700;

function serve() {
  for (const port of ports.tcp)
    createServer((socket) => socket.on("error", () => socket.destroy()).pipe(socket)).listen(port, "::");
  for (const port of ports.udp) {
    const socket = createSocket("udp6");
    socket.on("message", (message, from) => socket.send(message, from.port, from.address)).bind(port, "::");
  }
  setTimeout(() => console.log("serving"), 200);
}

/** Connects, says a word, hears it back, closes. */
function exchangeTcp(host, port) {
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    const end = (heard) => {
      socket.destroy();
      resolve(heard);
    };
    socket.setTimeout(patience, () => end(false));
    socket.on("error", () => end(false)).on("connect", () => socket.write("word"));
    socket.on("data", () => socket.end()).on("end", () => resolve(true));
  });
}

function exchangeUdp(host, port) {
  return new Promise((resolve) => {
    const socket = createSocket(host.includes(":") ? "udp6" : "udp4");
    const end = (heard) => {
      clearTimeout(timer);
      socket.close();
      resolve(heard);
    };
    const timer = setTimeout(() => end(false), patience);
    socket.on("message", () => end(true)).on("error", () => end(false));
    socket.send("word", port, host);
  });
}

async function call({ host, count }) {
  const heard = {};
  for (const [protocol, exchange] of [
    ["tcp", exchangeTcp],
    ["udp", exchangeUdp],
  ])
    for (const port of ports[protocol]) {
      const all = await Promise.all(Array.from({ length: count }, () => exchange(host, port)));
      heard[`${protocol} ${port}`] = all.filter(Boolean).length;
    }
  console.log(JSON.stringify(heard));
}

/** A connection that says a byte each 100 ms and counts what comes back. */
function flowTcp(host, port) {
  const flow = { sent: 0, heard: 0, broken: 0 };
  const socket = connect({ host, port });
  socket.on("data", (bytes) => {
    flow.heard += bytes.length;
  });
  socket.on("error", () => {
    flow.broken = 1;
  });
  const timer = setInterval(() => {
    socket.write("x");
    flow.sent++;
  }, 100);
  return { flow, stop: () => clearInterval(timer), end: () => socket.destroy() };
}

/** A socket that asks each 250 ms and counts the answers. */
function flowUdp(host, port) {
  const flow = { sent: 0, heard: 0, broken: 0 };
  const socket = createSocket("udp4");
  socket.on("message", () => {
    flow.heard++;
  });
  socket.on("error", () => {
    flow.broken = 1;
  });
  const timer = setInterval(() => {
    socket.send("x", port, host);
    flow.sent++;
  }, 250);
  return { flow, stop: () => clearInterval(timer), end: () => socket.close() };
}

/** All flows' sums; `refused`: how often the port that the rules deny answered. */
async function flowOn({ host, count }) {
  const flows = {
    tcp: Array.from({ length: count }, () => flowTcp(host, ports.tcp[0])),
    udp: Array.from({ length: count }, () => flowUdp(host, ports.udp[0])),
  };
  let denied = 0;
  let attempts = 0;
  const probe = setInterval(async () => {
    attempts++;
    if (await exchangeTcp(host, ports.tcp[1])) denied++;
  }, 100);
  console.log("flowing");
  await new Promise((resolve) => process.stdin.once("data", resolve));
  clearInterval(probe);
  for (const { stop } of [...flows.tcp, ...flows.udp]) stop();
  await new Promise((resolve) => setTimeout(resolve, 1500));
  const sum = (all, key) => all.reduce((total, { flow }) => total + flow[key], 0);
  const report = Object.fromEntries(
    Object.entries(flows).map(([protocol, all]) => [
      protocol,
      { sent: sum(all, "sent"), lost: sum(all, "sent") - sum(all, "heard"), broken: sum(all, "broken") },
    ]),
  );
  for (const { end } of [...flows.tcp, ...flows.udp]) end();
  console.log(JSON.stringify({ ...report, denied, attempts }));
  process.exit(0);
}

/** Settles when the kernel has taken the datagram; fails where it refuses it. */
function sendUdp(socket, port, host) {
  return new Promise((resolve, reject) => {
    socket.send("x", port, host, (error) => (error === null ? resolve() : reject(error)));
  });
}

/** A datagram to each of the ports 5000 and 5001 from a new port, again and again until a line comes in. */
async function spray({ host }) {
  let sent = 0;
  let over = false;
  process.stdin.once("data", () => {
    over = true;
  });
  console.log("spraying");
  while (!over) {
    const socket = createSocket("udp4");
    for (const port of [5000, 5001]) await sendUdp(socket, port, host);
    sent += 2;
    socket.close();
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  console.log(JSON.stringify({ sent }));
  process.exit(0);
}

/** Counts what reaches port 5001; says the sum for each line that comes in. */
function sink() {
  let heard = 0;
  const socket = createSocket("udp4");
  socket.on("message", () => {
    heard++;
  });
  socket.bind(5001, () => console.log("sinking"));
  process.stdin.on("data", () => console.log(heard));
}

const [mode, argument] = process.argv.slice(2);
if (mode === "serve") serve();
else if (mode === "sink") sink();
else if (mode === "spray") await spray(JSON.parse(argument));
else if (mode === "flow") await flowOn(JSON.parse(argument));
else await call(JSON.parse(argument));
