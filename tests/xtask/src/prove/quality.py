"""Compares two 16 kHz wav files of one length: prints PESQ (wide band) and STOI as JSON."""

import json
import sys
import wave

import numpy
from pesq import pesq
from pystoi import stoi


def read(path):
    with wave.open(path) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (16000, 1, 2), path
        return numpy.frombuffer(file.readframes(file.getnframes()), dtype="<i2").astype(float) / 32768


sent, heard = map(read, sys.argv[1:3])
print(json.dumps({"pesq": float(pesq(16000, sent, heard, "wb")), "stoi": float(stoi(sent, heard, 16000))}))
