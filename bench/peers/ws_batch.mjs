// Collects states, and sends one frame with all that is new to each client, HZ times a second, on WebSockets.
// Usage: ws_batch.mjs HZ

import { WebSocketServer } from "ws";
import { Latest } from "./latest.mjs";

const latest = new Latest();
const server = new WebSocketServer({ host: "127.0.0.1", port: 0, perMessageDeflate: false });

server.on("listening", () => console.log(`ready ${server.address().port}`));
server.on("connection", (socket) => socket.on("message", (state) => latest.put(socket, state)));

setInterval(() => {
    const frame = latest.take();
    if (frame === null) return;
    for (const socket of server.clients) socket.send(frame);
}, 1000 / Number(process.argv[2]));

process.on("SIGTERM", () => process.exit(0));
