import { afterEach, beforeEach, expect, test } from 'vitest'
import { configureLogging } from '../../../src/log.js'
import { catchChannelFaults } from '../../../src/supervisor/channel-faults.js'
import { fixtureWorker, startSupervisor } from './fixtures.js'

await configureLogging({ level: 'silent', format: 'json' })

// The test runner has handlers of its own, for which any uncaught exception is a failed run.
let others: NodeJS.UncaughtExceptionListener[] = []
beforeEach(() => {
  others = process.listeners('uncaughtException')
  process.removeAllListeners('uncaughtException')
})
afterEach(() => {
  process.removeAllListeners('uncaughtException')
  for (const other of others) process.on('uncaughtException', other)
})

test('bytes on the channel that are no message end the worker, not the supervisor', async () => {
  const bugs: unknown[] = []
  const { supervisor, ended } = startSupervisor(fixtureWorker('breaks-channel'))
  const release = catchChannelFaults(
    (message) => supervisor.blameWorker(`sent bytes that are no message: ${message}`),
    (error) => bugs.push(error),
  )
  expect(await ended).toMatchObject({
    code: 'ERR_WORKER_GAVE_UP',
    message: expect.stringContaining('(protocol) sent bytes that are no message: Unable to deserialize'),
  })
  expect(supervisor.view.restarts.protocol).toBe(3)
  expect(bugs).toEqual([])
  release()
  expect(process.listenerCount('uncaughtException')).toBe(0)
})

test('any other uncaught exception is our bug', () => {
  const seen: unknown[] = []
  const release = catchChannelFaults(
    () => seen.push('fault'),
    (error) => seen.push(error),
  )
  const bug = new TypeError('x is not a function')
  process.emit('uncaughtException', bug)
  release()
  expect(seen).toEqual([bug])
})
