#!/usr/bin/env node
// Starts the program of this platform, which npm has installed as an optional dependency.
"use strict";

const { spawnSync } = require("node:child_process");
const { constants } = require("node:os");

const platform = `${process.platform}-${process.arch}`;
const name = `@layerwise/${platform}`;
const file = process.platform === "win32" ? "layerwise.exe" : "layerwise";

let program;
try {
  program = require.resolve(`${name}/${file}`);
} catch {
  console.error(
    `layerwise: the package ${name} is not installed.\n` +
      "Install without --omit=optional, or, where there is no such package, build with `cargo install layerwise`.",
  );
  process.exit(2);
}

const run = spawnSync(program, process.argv.slice(2), { stdio: "inherit" });
if (run.error) {
  console.error(`layerwise: ${program} cannot be started: ${run.error.message}`);
  process.exit(2);
}
// As shells have it: 128 and the number of the signal.
process.exit(run.signal ? 128 + constants.signals[run.signal] : run.status);
