// libdatachannel as a peer. It has no codec: the packets that it hears go back as they came, under a source of its own; see README.md.
"use strict";

const {Audio, PeerConnection} = require("node-datachannel");
const {say, join, end} = require("./tutorial.js");

const OPUS = 111;
// The source of the packets that go back (RFC 3550: no two senders have the same).
const SOURCE = 660;

const [url] = process.argv.slice(2);
// It leaves out the one address at which a machine always finds itself, unless told to use that one.
const connection = new PeerConnection("libdatachannel", {iceServers: [], bindAddress: "127.0.0.1", disableAutoNegotiation: true});
let channel = null;
let begun = null;

const send = join(url, {
  hears: {
    offer({sdp}) {
      connection.setRemoteDescription(sdp, "offer");
      open();
      connection.setLocalDescription("answer");
    },
    answer: ({sdp}) => connection.setRemoteDescription(sdp, "answer"),
    candidate: ({candidate, sdpMid}) => connection.addRemoteCandidate(candidate, sdpMid),
  },
  does: {
    call() {
      begun = performance.now();
      const audio = new Audio("0", "SendRecv");
      audio.addOpusCodec(OPUS);
      audio.addSSRC(SOURCE, "libdatachannel");
      echo(connection.addTrack(audio));
      open();
      connection.setLocalDescription("offer");
    },
    send: text => channel.sendMessage(text),
    "hang-up"() {
      connection.close();
      end();
    },
  },
});

function open() {
  channel = connection.createDataChannel("dataChannel");
  listen(channel);
  channel.onOpen(() => say("connected", {ms: begun && performance.now() - begun}));
}

function listen(channel) {
  channel.onMessage(text => say("message", {label: channel.getLabel(), text}));
  channel.onClosed(end);
}

function echo(track) {
  track.onMessage(packet => {
    // RTCP comes here as well (RFC 5761, section 4).
    const type = packet[1] & 0x7f;
    if (type >= 64 && type < 96) return;
    const back = Buffer.from(packet);
    back.writeUInt32BE(SOURCE, 8);
    track.sendMessageBinary(back);
  });
}

connection.onTrack(echo);
connection.onDataChannel(listen);
connection.onLocalDescription((sdp, type) => send(type, {type, sdp}));
connection.onLocalCandidate((candidate, sdpMid) => send("candidate", {candidate: candidate.replace(/^a=/, ""), sdpMid}));
