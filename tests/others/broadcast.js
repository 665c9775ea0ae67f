// The tutorial's server with rooms: every text goes to all others of its ?room=. On `ws`, as tutorials write it.
"use strict";
const { WebSocketServer, WebSocket } = require("ws");

const rooms = new Map();
const server = new WebSocketServer({ host: "127.0.0.1", port: 0 }, () => {
  console.log(JSON.stringify({ event: "listening", addr: `127.0.0.1:${server.address().port}` }));
});
server.on("connection", (socket, request) => {
  const room = new URL(request.url, "ws://here").searchParams.get("room");
  const members = rooms.get(room) ?? new Set();
  rooms.set(room, members.add(socket));
  socket.on("message", (data, isBinary) => {
    for (const other of members) {
      if (other !== socket && other.readyState === WebSocket.OPEN) other.send(data, { binary: isBinary });
    }
  });
  socket.on("close", () => {
    members.delete(socket);
    if (members.size === 0) rooms.delete(room);
  });
});
