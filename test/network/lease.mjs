// A DHCP client or server of both families in a namespace of its own, on eth0: a line of JSON a command ({id, name,
// argument}), a line an answer. Messages hold what a lease takes (RFC 2131, RFC 8415), no more.
//
//   serve {address}: offers and acknowledges this address; answers DHCPv6
//   lease {}: asks everybody; the address that was acknowledged, and by whom
//   renew {server, address}: asks that server alone; the same
//   lease6 {}: asks ff02::1:2; how many answered
//   join {groups, address}: becomes a member of these multicast groups, until it ends
import { createSocket } from "node:dgram";
import { createInterface } from "node:readline";

/** What is not answered this long after it was sent never is, ms: all that is asked has to be. */
const late = 60_000;
const cookie = [0x63, 0x82, 0x53, 0x63];
const messages = { discover: 1, offer: 2, request: 3, ack: 5 };

const quad = (text) => text.split(".").map(Number);

function write(operation, message, address) {
  const bytes = Buffer.alloc(240);
  bytes.set([operation, 1, 6, 0, 1, 2, 3, 4]);
  bytes.set(quad(address), 16);
  bytes.set(cookie, 236);
  return Buffer.concat([bytes, Buffer.from([53, 1, message, 255])]);
}

const messageOf = (bytes) => bytes[242];
const addressOf = (bytes) => bytes.subarray(16, 20).join(".");

function open(type, port) {
  return new Promise((resolve) => {
    const socket = createSocket({ type, reuseAddr: true });
    socket.bind(port, type === "udp6" ? "::" : "0.0.0.0", () => {
      if (type === "udp4") socket.setBroadcast(true);
      else socket.setMulticastInterface("::%eth0");
      resolve(socket);
    });
  });
}

async function serve({ address }) {
  const four = await open("udp4", 67);
  four.on("message", (bytes, from) => {
    const answer = messageOf(bytes) === messages.discover ? messages.offer : messages.ack;
    const to = from.address === "0.0.0.0" ? "255.255.255.255" : from.address;
    four.send(write(2, answer, address), 68, to);
  });
  const six = await open("udp6", 547);
  six.addMembership("ff02::1:2", "::%eth0");
  six.on("message", (_, from) => six.send(Buffer.from([7, 1, 2, 3]), from.port, from.address));
}

/** Sends a message; what came back of that kind, or null. */
function ask(socket, bytes, [port, host], expected) {
  return new Promise((resolve) => {
    const timer = setTimeout(() => end(null), late);
    const hear = (answer, from) => {
      if (expected(answer)) end({ address: addressOf(answer), server: from.address });
    };
    const end = (value) => {
      clearTimeout(timer);
      socket.off("message", hear);
      resolve(value);
    };
    socket.on("message", hear);
    socket.send(bytes, port, host);
  });
}

const is = (message) => (bytes) => messageOf(bytes) === message;

async function lease() {
  const socket = await open("udp4", 68);
  const everybody = [67, "255.255.255.255"];
  const offer = await ask(socket, write(1, messages.discover, "0.0.0.0"), everybody, is(messages.offer));
  const lease =
    offer && (await ask(socket, write(1, messages.request, offer.address), everybody, is(messages.ack)));
  socket.close();
  return lease;
}

async function renew({ server, address }) {
  const socket = await open("udp4", 68);
  const lease = await ask(socket, write(1, messages.request, address), [67, server], is(messages.ack));
  socket.close();
  return lease;
}

async function lease6() {
  const socket = await open("udp6", 546);
  const answer = await ask(
    socket,
    Buffer.from([1, 1, 2, 3]),
    [547, "ff02::1:2%eth0"],
    ([type]) => type === 7,
  );
  socket.close();
  return answer?.server ?? null;
}

/** The kernel reports it: by IGMP, by MLD. */
async function join({ groups, address }) {
  for (const group of groups) {
    const isIpv6 = group.includes(":");
    const socket = await open(isIpv6 ? "udp6" : "udp4", 0);
    socket.addMembership(group, isIpv6 ? "::%eth0" : address);
  }
}

const commands = { serve, lease, renew, lease6, join };

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
