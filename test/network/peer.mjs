// One end of test traffic, run inside a guest's namespace: `serve`, or `call JSON` of {host, tcp, udp, count}.
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

const [mode, argument] = process.argv.slice(2);
if (mode === "serve") serve();
else await call(JSON.parse(argument));
