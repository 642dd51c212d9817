// One end of test traffic in a namespace of its own: a line of JSON a command ({id, name, argument}), a line an answer.
//
//   listen {tcp, udp, sink}: echoes on ports; a sink counts what a connection sends and says the sum when it ends
//   exchange [{protocol, host, port, bytes?, due?}]: which of them were answered, all asked at once; waits for those due
//   pour {host, port, bytes}: sends so much over one connection; answers how much the sink counted
import { spawn } from "node:child_process";
import { createSocket } from "node:dgram";
import { connect, createServer } from "node:net";
import { createInterface } from "node:readline";
import { turns } from "../support/turns.mjs";

/** What is not answered so many turns after the last answer of its batch never is, ms; within TCP's first second. */
const quiet = 700;
/** What is due comes within, ms, however busy the machine is. */
const late = 60_000;

const isIpv6 = (host) => host.includes(":");

function listenTcp(port, serve) {
  return new Promise((resolve) => {
    createServer({ allowHalfOpen: true }, (socket) =>
      serve(socket.on("error", () => socket.destroy())),
    ).listen({ port, host: "::", backlog: 512 }, resolve);
  });
}

function listenUdp(port) {
  return new Promise((resolve) => {
    const socket = createSocket({ type: "udp6", recvBufferSize: 1 << 20 });
    socket.on("message", (message, from) => socket.send(message, from.port, from.address));
    socket.bind(port, "::", resolve);
  });
}

function count(socket) {
  let sum = 0;
  socket.on("data", (bytes) => {
    sum += bytes.length;
    poured = sum;
  });
  socket.on("end", () => socket.end(String(sum)));
}

let poured = 0;

async function listen({ tcp = [], udp = [], sink = [] }) {
  await Promise.all([
    ...tcp.map((port) => listenTcp(port, (socket) => socket.pipe(socket))),
    ...udp.map(listenUdp),
    ...sink.map((port) => listenTcp(port, count)),
  ]);
}

/** Each asks, calls `answered` when it was, and answers how it is given up. */
const ways = {
  tcp({ host, port }, answered) {
    const socket = connect({ host, port });
    socket.on("error", () => {}).on("connect", () => socket.write("word"));
    socket.on("data", () => {
      answered();
      socket.end();
    });
    return () => socket.destroy();
  },
  udp({ host, port, bytes = 4 }, answered) {
    const socket = createSocket({ type: isIpv6(host) ? "udp6" : "udp4", recvBufferSize: 1 << 20 });
    socket.on("error", () => {}).on("message", (message) => message.length === bytes && answered());
    socket.send(Buffer.alloc(bytes, "x"), port, host);
    return () => socket.close();
  },
  icmp({ host, bytes = 56 }, answered) {
    const words = ["-n", "-c", "1", "-W", "60", "-s", String(bytes), host];
    const child = spawn("ping", words, { stdio: "ignore" });
    child.on("exit", (code) => code === 0 && answered());
    return () => child.kill("SIGKILL");
  },
};

/** Ends when all that is due was answered, and nothing for a while. */
async function exchange(exchanges) {
  const heard = exchanges.map(() => false);
  let answers = 0;
  const giveUps = exchanges.map((one, index) =>
    ways[one.protocol](one, () => {
      heard[index] = true;
      answers++;
    }),
  );
  await turns(late, () => exchanges.every(({ due }, index) => heard[index] || due !== true));
  for (let before = -1; before !== answers; ) {
    before = answers;
    await turns(quiet, () => answers !== before);
  }
  for (const giveUp of giveUps) giveUp();
  return heard;
}

function pour({ host, port, bytes }) {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port, allowHalfOpen: true });
    let said = "";
    socket.on("error", reject);
    socket.on("connect", () => socket.end(Buffer.alloc(bytes, "x")));
    socket.on("data", (text) => {
      said += text;
    });
    socket.on("end", () => resolve(Number(said)));
  });
}

const commands = { listen, exchange, pour, poured: async () => poured };

createInterface({ input: process.stdin })
  .on("line", async (line) => {
    const { id, name, argument } = JSON.parse(line);
    const answer = await commands[name](argument).then(
      (value) => ({ id, value }),
      (error) => ({ id, error: error.message }),
    );
    console.log(JSON.stringify(answer));
  })
  .on("close", () => process.exit(0));
