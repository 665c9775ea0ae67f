"""A listener: answers the call that comes through a signaling server and keeps every frame that aiortc hands out.

    listener.py URL FILE

FILE becomes one channel of 16-bit samples. "listening" is said once it is there. A line on standard input ends it; then it says of
each frame when it was handed out (µs of the monotonic clock), where it belongs (samples since the first), and how long it is.
"""

import array
import asyncio
import json
import sys
import time

import aioice.ice
import websockets
from aiortc import RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import MediaStreamError
from aiortc.sdp import candidate_from_sdp

# It leaves out the one address at which this machine always finds itself.
aioice.ice.get_host_addresses = lambda use_ipv4, use_ipv6: ["127.0.0.1"]


def say(event, **fields):
    print(json.dumps({"event": event, **fields}), flush=True)


async def keep(track, file, frames):
    begun = None
    while True:
        try:
            frame = await track.recv()
        except MediaStreamError:
            return
        at = time.monotonic_ns() // 1000
        begun = frame.pts if begun is None else begun
        channels = frame.layout.nb_channels
        samples = array.array("h", bytes(frame.planes[0])[: 2 * channels * frame.samples])
        file.write(samples[::channels].tobytes())
        # RTP time has 32 bits.
        frames.append([at, (frame.pts - begun) & 0xFFFFFFFF, frame.samples])


async def answer(socket, connection):
    async for text in socket:
        message = json.loads(text)
        event, data = message["event"], message.get("data")
        if event == "offer":
            await connection.setRemoteDescription(RTCSessionDescription(**data))
            await connection.setLocalDescription(await connection.createAnswer())
            described = connection.localDescription
            answer = {"type": described.type, "sdp": described.sdp}
            await socket.send(json.dumps({"event": "answer", "data": answer}))
        elif event == "candidate" and data and data["candidate"]:
            candidate = candidate_from_sdp(data["candidate"].removeprefix("candidate:"))
            candidate.sdpMid, candidate.sdpMLineIndex = data["sdpMid"], data["sdpMLineIndex"]
            await connection.addIceCandidate(candidate)


async def main(url, path):
    connection, frames, keeping = RTCPeerConnection(), [], []
    with open(path, "wb") as file:
        connection.on("track", lambda track: keeping.append(asyncio.create_task(keep(track, file, frames))))
        async with websockets.connect(url, proxy=None) as socket:
            answering = asyncio.create_task(answer(socket, connection))
            say("listening")
            await asyncio.to_thread(sys.stdin.readline)
            answering.cancel()
        await connection.close()
        await asyncio.gather(*keeping)
    say("heard", frames=frames)


asyncio.run(main(*sys.argv[1:]))
