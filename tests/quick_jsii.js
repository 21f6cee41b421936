// Runs jsii's program in this process. jsii's own script starts another process for it, and hands each message on.
"use strict";
const fs = require("fs");
const { Writable } = require("stream");
const { openSync, readSync, writeSync } = fs;

// The program has its messages at file descriptor 3, and Python at those of standard input and output.
openSync("/dev/null"); // otherwise a file might get the 3
fs.readSync = (fd, ...rest) => readSync(fd === 3 ? 0 : fd, ...rest);
fs.writeSync = (fd, ...rest) => writeSync(fd === 3 ? 1 : fd, ...rest);

// This process ends when Python does, which a terminal that closes need not end: `nohup make test`.
process.on("SIGHUP", () => {});

// What CDK prints: Python reads it from standard error.
for (const name of ["stdout", "stderr"]) {
  const write = (chunk, _encoding, done) => {
    writeSync(2, `${JSON.stringify({ [name]: chunk.toString("base64") })}\n`);
    done();
  };
  Object.defineProperty(process, name, { value: new Writable({ write }) });
}

// The program links packages and does not copy them if Node.js has this option, which is in its environment.
process.execArgv.push("--preserve-symlinks");
require("../lib/program.js");
