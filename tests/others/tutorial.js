// What the two programs on Node share: a tutorial client's WebSocket, commands from standard input, events to standard output.
"use strict";

const readline = require("node:readline");
const WebSocket = require("ws");

/** Tells what happened. */
function say(event, fields) {
  process.stdout.write(`${JSON.stringify({event, ...fields})}\n`);
}

function fail(error) {
  process.stderr.write(`${error?.stack ?? error}\n`, () => process.exit(1));
}

/**
 * Joins the room at this URL. `hears` has a function for each event of the other peers, `does` one for each command.
 * Returns what sends an event to the others.
 */
function join(url, {hears, does}) {
  const socket = new WebSocket(url);
  // One after the other: a candidate is not added before the description that came before it is set.
  let turn = Promise.resolve();
  const inTurn = work => {
    turn = turn.then(work).catch(fail);
  };
  socket.on("open", () => say("listening"));
  socket.on("error", fail);
  socket.on("message", text => {
    const {event, data} = JSON.parse(text);
    inTurn(() => hears[event]?.(data));
  });
  readline.createInterface({input: process.stdin}).on("line", line => {
    const {command, text} = JSON.parse(line);
    inTurn(() => does[command](text));
  });
  return (event, data) => socket.send(JSON.stringify({event, data}));
}

let over = false;

/** The call is over, and with it the program. */
function end() {
  if (over) return;
  over = true;
  process.stdout.write(`${JSON.stringify({event: "ended"})}\n`, () => process.exit(0));
}

module.exports = {say, join, end};
