/** Runs in a guest: does what the test tells it over TCP, one shell script a connection, and answers with its output. */
import { exec } from "node:child_process";
import { createServer, type Socket } from "node:net";

const port = Number(process.argv[2] ?? 7000);

function answer(socket: Socket, script: string): void {
  exec(script, { maxBuffer: 1 << 20 }, (error, said, complaint) =>
    socket.end(JSON.stringify({ code: error?.code ?? 0, said, complaint })),
  );
}

createServer({ allowHalfOpen: true }, (socket) => {
  let script = "";
  socket.setEncoding("utf8").on("data", (text) => {
    script += String(text);
  });
  socket.on("end", () => answer(socket, script)).on("error", () => socket.destroy());
}).listen(port, "::", () => console.log("ready"));
