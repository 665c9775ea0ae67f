"""Compares a 16 kHz wav file with others of its length: prints PESQ (wide band) and STOI of each as JSON."""

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


def judge(sent, heard):
    return {"pesq": float(pesq(16000, sent, heard, "wb")), "stoi": float(stoi(sent, heard, 16000))}


sent = read(sys.argv[1])
print(json.dumps([judge(sent, read(path)) for path in sys.argv[2:]]))
