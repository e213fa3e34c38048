// Makes the npm packages: `layerwise` with the launcher, and one with the program for each platform.
//
//   node npm/pack.mjs OUT PLATFORM=PROGRAM…
//
// PLATFORM is what node calls it (`linux-x64`, `darwin-arm64`, `win32-x64`), PROGRAM the built file. A program for Linux
// should be linked with musl, so that it runs with every libc. OUT gets a folder for each package, ready for `npm pack`
// and `npm publish`. The version is that of Cargo.toml.

import { chmodSync, copyFileSync, cpSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const [out, ...programs] = process.argv.slice(2);
const builds = programs.map((program) => program.match(/^([a-z0-9]+)-([a-z0-9]+)=(.+)$/));
if (!out || builds.length === 0 || builds.includes(null)) {
  console.error("usage: node npm/pack.mjs OUT PLATFORM=PROGRAM…, such as linux-x64=target/release/layerwise");
  process.exit(2);
}

const version = readFileSync(join(root, "Cargo.toml"), "utf8").match(/^version = "(.+)"$/m)[1];
const launcher = JSON.parse(readFileSync(join(root, "npm/layerwise/package.json"), "utf8"));
const write = (folder, manifest) => {
  writeFileSync(join(folder, "package.json"), JSON.stringify(manifest, null, 2) + "\n");
  for (const license of ["LICENSE-MIT", "LICENSE-APACHE"]) copyFileSync(join(root, license), join(folder, license));
};

const optionalDependencies = {};
for (const [, os, cpu, program] of builds) {
  const name = `@layerwise/${os}-${cpu}`;
  const folder = join(out, `${os}-${cpu}`);
  const file = os === "win32" ? "layerwise.exe" : "layerwise";
  mkdirSync(folder, { recursive: true });
  copyFileSync(program, join(folder, file));
  chmodSync(join(folder, file), 0o755);
  const { description, license } = launcher;
  write(folder, { name, version, description: `${description} (${os} ${cpu})`, license, os: [os], cpu: [cpu], files: [file] });
  optionalDependencies[name] = version;
}

const folder = join(out, "layerwise");
cpSync(join(root, "npm/layerwise"), folder, { recursive: true });
copyFileSync(join(root, "README.md"), join(folder, "README.md"));
write(folder, { ...launcher, version, optionalDependencies });
