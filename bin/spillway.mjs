#!/usr/bin/env node
// The container's entrypoint, so possibly PID 1, for which SIGTERM does nothing until there is a handler, and
// loading the program takes some 0.3 s. So the handlers come first. What arrives early ends the process here;
// a command that has something to stop adds a handler of its own, which takes over.
import { existsSync } from 'node:fs'
import { setFlagsFromString } from 'node:v8'

// The supervisor lives for months next to a data plane and does little: no young generation that grows and no optimised
// code. After 300 scrapes 69 MiB instead of 108 (Node 20), 77 instead of 116 (Node 24), and a scrape takes 0.3 ms more. Here,
// because most of it is taken while the program loads; only for `run` and `exec`, because the lab's traffic wants a fast Node.
const supervisorFlags = ['--semi-space-growth-factor=1', '--optimize-for-size', '--no-opt', '--no-maglev']
const isSupervisor = process.argv[2] === 'run' || process.argv[2] === 'exec'
if (isSupervisor) for (const flag of supervisorFlags) setFlagsFromString(flag)

for (const [signal, exitCode] of Object.entries({ SIGTERM: 0, SIGINT: 130, SIGHUP: 129 })) {
  const stopEarly = () => process.exit(exitCode)
  process.on(signal, stopEarly)
  // Not at once: Node has prepared for the new handler already, and taking away the last old one would undo that.
  process.on('newListener', (event) => event === signal && queueMicrotask(() => process.off(signal, stopEarly)))
}

const program = new URL('../dist/cli/main.js', import.meta.url)
if (existsSync(program)) {
  const { main } = await import(program.href)
  await main()
  // At once: while Node takes itself down in order, signals have their defaults again, and a second SIGTERM that comes
  // then would turn a clean stop into a death by signal.
  if (isSupervisor) process.exit()
} else {
  process.stderr.write(
    'spillway: ERR_MISSING_TOOL: expected the built program in dist/, found nothing\n' +
      '  hint: run `npm start` or `npm test` first: both install what is missing and build\n',
  )
  process.exitCode = 69
}
