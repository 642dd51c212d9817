// One end of test traffic, run inside a guest's namespace: `serve`, `call JSON` of {host, count, open}: exchanges with
// ports, of which those in `open` are to be answered; or `flow JSON` of {host, count}: flows that go on until a line
// comes in that ends them (or is "count"), and say what became of them; `spray JSON` of {host, least}: new flows only, until a line comes in; `sink`: what it
// hears.
import { createSocket } from "node:dgram";
import { connect, createServer } from "node:net";
import { turns } from "../support/turns.mjs";

const ports = { tcp: [8080, 8081], udp: [9080, 9081] };
/** What is not to be answered has so long, ms; shorter than TCP's first retransmission (1 s). */
const patience = 700;
/** What is to be answered is late by then, ms, however busy the machine is. */
const late = 60_000;

async function serve() {
  const listening = [
    ...ports.tcp.map((port) => {
      const server = createServer((socket) => socket.on("error", () => socket.destroy()).pipe(socket));
      return new Promise((resolve) => server.listen(port, "::", resolve));
    }),
    ...ports.udp.map((port) => {
      const socket = createSocket("udp6");
      socket.on("message", (message, from) => socket.send(message, from.port, from.address));
      return new Promise((resolve) => socket.bind(port, "::", resolve));
    }),
  ];
  await Promise.all(listening);
  console.log("serving");
}

/** Connects, says a word, hears it back, closes. */
function exchangeTcp(host, port) {
  const socket = connect({ host, port });
  const exchange = { heard: false, end: () => socket.destroy() };
  socket.on("error", () => {}).on("connect", () => socket.write("word"));
  socket
    .on("data", () => socket.end())
    .on("end", () => {
      exchange.heard = true;
    });
  return exchange;
}

function exchangeUdp(host, port) {
  const socket = createSocket(host.includes(":") ? "udp6" : "udp4");
  const exchange = { heard: false, end: () => socket.close() };
  socket
    .on("error", () => {})
    .on("message", () => {
      exchange.heard = true;
    });
  socket.send("word", port, host);
  return exchange;
}

async function call({ host, count, open }) {
  const heard = {};
  for (const [protocol, exchange] of [
    ["tcp", exchangeTcp],
    ["udp", exchangeUdp],
  ])
    for (const port of ports[protocol]) {
      const name = `${protocol} ${port}`;
      const all = Array.from({ length: count }, () => exchange(host, port));
      await turns(open.includes(name) ? late : patience, () => all.every((one) => one.heard));
      heard[name] = all.filter((one) => one.heard).length;
      for (const one of all) one.end();
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
  return { flow, stop: () => clearInterval(timer) };
}

/** A socket that asks each 250 ms, once it was answered, and counts the answers. */
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
    // A server without a CPU has room for one question of each flow.
    if (flow.heard < flow.sent) return;
    socket.send("x", port, host);
    flow.sent++;
  }, 250);
  return { flow, stop: () => clearInterval(timer) };
}

/**
 * All flows' sums, once all was answered, or all of UDP where the word is "udp"; `denied`: how often the port that the
 * rules deny answered.
 */
async function flowOn({ host, count }) {
  const flows = {
    tcp: Array.from({ length: count }, () => flowTcp(host, ports.tcp[0])),
    udp: Array.from({ length: count }, () => flowUdp(host, ports.udp[0])),
  };
  let denied = 0;
  let attempts = 0;
  const probe = setInterval(async () => {
    attempts++;
    const exchange = exchangeTcp(host, ports.tcp[1]);
    await turns(patience, () => exchange.heard);
    if (exchange.heard) denied++;
    exchange.end();
  }, 100);
  const sum = (all, key) => all.reduce((total, { flow }) => total + flow[key], 0);
  const report = () => {
    const sums = Object.entries(flows).map(([protocol, all]) => [
      protocol,
      { sent: sum(all, "sent"), lost: sum(all, "sent") - sum(all, "heard"), broken: sum(all, "broken") },
    ]);
    console.log(JSON.stringify({ ...Object.fromEntries(sums), denied, attempts }));
  };
  console.log("flowing");
  let word = "count";
  for (;;) {
    word = String(await new Promise((resolve) => process.stdin.once("data", resolve))).trim();
    if (word !== "count") break;
    report();
  }
  clearInterval(probe);
  for (const { stop } of [...flows.tcp, ...flows.udp]) stop();
  const awaited = word === "udp" ? flows.udp : [...flows.tcp, ...flows.udp];
  await turns(late, () => awaited.every(({ flow }) => flow.heard >= flow.sent || flow.broken > 0));
  report();
  process.exit(0);
}

/** Settles when the kernel has taken the datagram; fails where it refuses it. */
function sendUdp(socket, port, host) {
  return new Promise((resolve, reject) => {
    socket.send("x", port, host, (error) => (error === null ? resolve() : reject(error)));
  });
}

/** A datagram to each of the ports 5000 and 5001 from a new port, until a line comes in and `least` were sent. */
async function spray({ host, least = 0 }) {
  let sent = 0;
  let over = false;
  process.stdin.once("data", () => {
    over = true;
  });
  console.log("spraying");
  while (!over || sent < least) {
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
if (mode === "serve") await serve();
else if (mode === "sink") sink();
else if (mode === "spray") await spray(JSON.parse(argument));
else if (mode === "flow") await flowOn(JSON.parse(argument));
else await call(JSON.parse(argument));
