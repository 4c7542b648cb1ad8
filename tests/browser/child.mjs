// Programs that a test starts. A test that fails ends nothing: they go with the process at the latest.

import { spawn } from "node:child_process";

const running = new Set();

process.once("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});

/** As `spawn`; ended when this process is, if not before. */
export function begin(program, args, options = {}) {
  const child = spawn(program, args, options);
  running.add(child);
  child.once("exit", () => running.delete(child));
  return child;
}
