#!/usr/bin/env python3
"""The service in Python: FastAPI on uvicorn, with uvloop and httptools where they are installed; NumPy for the arrays.

The requests and answers of forkjoin's two endpoints, declared as models, as FastAPI's manual does. The answers are
dumped as they are: FastAPI's own conversion of a returned object looks at every number once more. `threads` is
accepted, but there is no use for it: the interpreter runs one thread at a time. Word count is str.split, which no use
of NumPy beats.

usage: fastapi_service.py    serves on a free port of 127.0.0.1 until it is ended
"""

import json
import socket
from typing import List

import numpy
import uvicorn
from fastapi import FastAPI, HTTPException
from fastapi.responses import JSONResponse
from pydantic import BaseModel


class CountRequest(BaseModel):
    text: str
    word: str
    threads: int = 1


class GaussianRequest(BaseModel):
    x: List[float]
    y: List[float]
    gamma: float = 1.0
    threads: int = 1


app = FastAPI()


@app.post("/v1/wordcount")
def word_count(request: CountRequest):
    lines = request.text.replace("\r\n", "\n").split("\n")
    return JSONResponse({"count": sum(line.split(" ").count(request.word) for line in lines)})


@app.post("/v1/gaussian")
def gaussian(request: GaussianRequest):
    x, y = numpy.array(request.x), numpy.array(request.y)
    if x.shape != y.shape:
        raise HTTPException(400, f"x has {x.size} elements, y has {y.size}")
    z = numpy.exp(-request.gamma * (x - y) ** 2)
    return JSONResponse({"z": z.tolist(), "gamma": request.gamma})


def main():
    listener = socket.create_server(("127.0.0.1", 0), backlog=64)
    address, port = listener.getsockname()
    print(json.dumps({"event": "listening", "address": f"{address}:{port}"}), flush=True)
    uvicorn.Server(uvicorn.Config(app, access_log=False, log_level="warning")).run(sockets=[listener])


if __name__ == "__main__":
    main()
