#!/usr/bin/env node
// The container's entrypoint, so possibly PID 1, for which SIGTERM does nothing until there is a handler, and
// loading the program takes some 0.3 s. So the handlers come first: what arrives early ends the process here,
// and the program replaces them by its own when it has something to stop.
import { existsSync } from 'node:fs'

const stopEarly = (signal) => process.exit(signal === 'SIGINT' ? 130 : 0)
process.on('SIGTERM', stopEarly)
process.on('SIGINT', stopEarly)

const program = new URL('../dist/cli/main.js', import.meta.url)
if (existsSync(program)) {
  const { main } = await import(program.href)
  await main()
} else {
  process.stderr.write(
    'spillway: ERR_MISSING_TOOL: expected the built program in dist/, found nothing\n' +
      '  hint: run `npm start` or `npm test` first: both install what is missing and build\n',
  )
  process.exitCode = 69
}
