// UDP flows between two guests: `serve PORT…` answers; `open HOST PORT COUNT …` opens so many flows to each port,
// says how many are answered, and asks all of them again for each line that comes in.
import { createSocket } from "node:dgram";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { turns } from "../support/turns.mjs";

const [, , role, ...words] = process.argv;
const together = 50;
const attempts = 6;
const patience = 400;

async function serve(ports) {
  const listening = ports.map((port) => {
    const socket = createSocket("udp4");
    socket.on("message", (message, from) => socket.send(message, from.port, from.address));
    return new Promise((resolve) => socket.bind(port, resolve));
  });
  await Promise.all(listening);
  console.log("serving");
}

async function openFlows(host, port, count) {
  const flows = Array.from({ length: count }, () => ({ socket: createSocket("udp4"), port, heard: false }));
  for (const flow of flows) flow.socket.on("message", () => (flow.heard = true)).connect(port, host);
  await Promise.all(flows.map(({ socket }) => new Promise((ready) => socket.once("connect", ready))));
  // A refused port would end the socket; there is none here.
  for (const { socket } of flows) socket.on("error", () => {});
  return flows;
}

/** Asks every flow that was not answered, again and again; says how many were, by port. */
async function askAll(flows) {
  for (const flow of flows) flow.heard = false;
  for (let attempt = 0; attempt < attempts; attempt++) {
    const silent = flows.filter(({ heard }) => !heard);
    for (let at = 0; at < silent.length; at += together) {
      for (const { socket } of silent.slice(at, at + together)) socket.send("word");
      await sleep(10);
    }
    await turns(patience, () => flows.every(({ heard }) => heard));
  }
  const answered = {};
  for (const { port, heard } of flows) answered[port] = (answered[port] ?? 0) + (heard ? 1 : 0);
  console.log(JSON.stringify(answered));
}

async function open([host, ...rest]) {
  const flows = [];
  for (let at = 0; at < rest.length; at += 2)
    flows.push(...(await openFlows(host, Number(rest[at]), Number(rest[at + 1]))));
  await askAll(flows);
  for await (const _ of createInterface({ input: process.stdin })) await askAll(flows);
  process.exit(0);
}

if (role === "serve") await serve(words.map(Number));
else await open(words);
