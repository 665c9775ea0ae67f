// Google's libwebrtc as a peer that sends a tone of 660 Hz; see README.md.
"use strict";

const fs = require("node:fs");
const {RTCPeerConnection, MediaStream, nonstandard} = require("@roamhq/wrtc");
const {say, join, end} = require("./tutorial.js");

const HERTZ = 660;
const RATE = 48000;
// Ten milliseconds, as its interface wants them.
const FRAME = 480;

const [url, file] = process.argv.slice(2);
const heard = fs.openSync(file, "w");
const connection = new RTCPeerConnection();
const channel = connection.createDataChannel("dataChannel");
let begun = null;

const send = join(url, {
  hears: {
    async offer(description) {
      await connection.setRemoteDescription(description);
      await connection.setLocalDescription(await connection.createAnswer());
      describe();
    },
    answer: description => connection.setRemoteDescription(description),
    candidate: candidate => connection.addIceCandidate(candidate),
  },
  does: {
    async call() {
      begun = performance.now();
      await connection.setLocalDescription(await connection.createOffer());
      describe();
    },
    send: text => channel.send(text),
    "hang-up"() {
      connection.close();
      end();
    },
  },
});

function describe() {
  const {type, sdp} = connection.localDescription;
  send(type, {type, sdp});
}

function listen(channel) {
  channel.onmessage = ({data}) => say("message", {label: channel.label, text: data});
  channel.onclose = end;
}

listen(channel);
channel.onopen = () => say("connected", {ms: begun && performance.now() - begun});
connection.ondatachannel = ({channel}) => listen(channel);
connection.onicecandidate = ({candidate: found}) => {
  if (!found) return;
  const {candidate, sdpMid, sdpMLineIndex} = found;
  send("candidate", {candidate, sdpMid, sdpMLineIndex});
};
connection.ontrack = ({track}) => {
  new nonstandard.RTCAudioSink(track).ondata = ({samples, sampleRate, channelCount}) => {
    // Before the first packets it hands out some silence of 16 kHz.
    if (sampleRate !== RATE) return;
    fs.writeSync(heard, samples.filter((_, index) => index % channelCount === 0));
  };
};

const source = new nonstandard.RTCAudioSource();
const track = source.createTrack();
connection.addTrack(track, new MediaStream([track]));

const first = performance.now();
let sent = 0;
// A timer is late now and then, a tone is not: as many frames as are due.
setInterval(() => {
  const due = (performance.now() - first) / 1000 * RATE;
  for (; sent + FRAME <= due; sent += FRAME) {
    const samples = Int16Array.from({length: FRAME}, (_, index) => 8192 * Math.sin(2 * Math.PI * HERTZ * (sent + index) / RATE));
    source.onData({samples, sampleRate: RATE, bitsPerSample: 16, channelCount: 1, numberOfFrames: FRAME});
  }
}, 10);
