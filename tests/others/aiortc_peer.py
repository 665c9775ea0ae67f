"""aiortc as a peer that sends a tone of 660 Hz; see README.md."""

import array
import asyncio
import fractions
import json
import math
import sys
import time

import aioice.ice
import av
import websockets
from aiortc import MediaStreamTrack, RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import MediaStreamError
from aiortc.sdp import candidate_from_sdp

HERTZ = 660
RATE = 48000
FRAME = 960

# It leaves out the one address at which this machine always finds itself.
aioice.ice.get_host_addresses = lambda use_ipv4, use_ipv6: ["127.0.0.1"]


def say(event, **fields):
    print(json.dumps({"event": event, **fields}), flush=True)


class Tone(MediaStreamTrack):
    kind = "audio"

    def __init__(self):
        super().__init__()
        self.begun, self.sent = None, 0

    async def recv(self):
        self.begun = self.begun or time.monotonic()
        await asyncio.sleep(self.begun + self.sent / RATE - time.monotonic())
        turns = (HERTZ * (self.sent + index) / RATE for index in range(FRAME))
        samples = array.array("h", (round(8192 * math.sin(2 * math.pi * turn)) for turn in turns))
        frame = av.AudioFrame(format="s16", layout="mono", samples=FRAME)
        plane = frame.planes[0]
        plane.update(samples.tobytes().ljust(plane.buffer_size, b"\0"))
        frame.sample_rate, frame.pts, frame.time_base = RATE, self.sent, fractions.Fraction(1, RATE)
        self.sent += FRAME
        return frame


async def keep(track, file):
    while True:
        try:
            frame = await track.recv()
        except MediaStreamError:
            return
        channels = frame.layout.nb_channels
        samples = array.array("h", bytes(frame.planes[0])[: 2 * channels * frame.samples])
        file.write(samples[::channels].tobytes())


class Peer:
    def __init__(self, socket, file):
        self.socket, self.begun, self.over = socket, None, asyncio.Event()
        self.connection = RTCPeerConnection()
        self.connection.addTrack(Tone())
        self.connection.on("track", lambda track: setattr(self, "keeping", asyncio.create_task(keep(track, file))))
        self.connection.on("datachannel", self.listen)
        self.channel = self.connection.createDataChannel("dataChannel")
        self.channel.on("open", self.connected)
        self.listen(self.channel)

    def connected(self):
        say("connected", ms=self.begun and (time.monotonic() - self.begun) * 1e3)

    def listen(self, channel):
        channel.on("message", lambda text: say("message", label=channel.label, text=text))
        channel.on("close", self.over.set)

    async def describe(self, description):
        await self.connection.setLocalDescription(description)
        described = self.connection.localDescription
        data = {"type": described.type, "sdp": described.sdp}
        await self.socket.send(json.dumps({"event": described.type, "data": data}))

    async def hear(self):
        async for text in self.socket:
            message = json.loads(text)
            event, data = message["event"], message.get("data")
            if event in ("offer", "answer"):
                await self.connection.setRemoteDescription(RTCSessionDescription(**{key: data[key] for key in ("sdp", "type")}))
            if event == "offer":
                await self.describe(await self.connection.createAnswer())
            elif event == "candidate":
                candidate = candidate_from_sdp(data["candidate"].removeprefix("candidate:"))
                candidate.sdpMid, candidate.sdpMLineIndex = data["sdpMid"], data["sdpMLineIndex"]
                await self.connection.addIceCandidate(candidate)

    async def obey(self):
        lines = asyncio.StreamReader()
        await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
        while line := await lines.readline():
            order = json.loads(line)
            if order["command"] == "call":
                self.begun = time.monotonic()
                await self.describe(await self.connection.createOffer())
            elif order["command"] == "send":
                self.channel.send(order["text"])
            else:
                break
        self.over.set()


async def main(url, path):
    with open(path, "wb", buffering=0) as file:
        async with websockets.connect(url, proxy=None) as socket:
            peer = Peer(socket, file)
            say("listening")
            tasks = {asyncio.create_task(task) for task in (peer.hear(), peer.obey(), peer.over.wait())}
            # Whichever fails is told.
            while not peer.over.is_set():
                done, tasks = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    task.result()
            say("ended")
            await peer.connection.close()


asyncio.run(main(*sys.argv[1:]))
