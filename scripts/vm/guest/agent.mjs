/**
 * The guest's end of the wire to the machine that started it: runs commands, feeds and reads them, fetches from its
 * HTTP servers. One JSON message a line over a virtio port, in both directions; `messages.mjs` says which.
 */
import { spawn } from 'node:child_process'
import { createReadStream, openSync, readdirSync, readFileSync, writeSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { portName } from './messages.mjs'

/** @typedef {import('./messages.mjs').HostMessage} HostMessage */
/** @typedef {import('./messages.mjs').GuestMessage} GuestMessage */
/** @typedef {import('node:child_process').ChildProcess} ChildProcess */

const descriptor = openSync(findPort(), 'r+')
/** @type {Map<number, ChildProcess>} */
const running = new Map()

const lines = createInterface({ input: createReadStream('', { fd: descriptor, autoClose: false }) })
lines.on('line', (line) => handle(JSON.parse(line)))
lines.on('close', () => process.exit(0))
send({ type: 'ready' })

/** No udev here that would make /dev/virtio-ports. */
function findPort() {
  const ports = '/sys/class/virtio-ports'
  const found = readdirSync(ports).find((port) => readFileSync(`${ports}/${port}/name`, 'utf8').trim() === portName)
  if (found === undefined) throw new Error(`no virtio port ${portName}`)
  return `/dev/${found}`
}

function send(/** @type {GuestMessage} */ message) {
  const bytes = Buffer.from(`${JSON.stringify(message)}\n`)
  for (let at = 0; at < bytes.length; ) at += writeSync(descriptor, bytes, at)
}

function handle(/** @type {HostMessage} */ message) {
  switch (message.type) {
    case 'spawn':
      return start(message)
    case 'input':
      return void (message.text === null
        ? running.get(message.id)?.stdin?.end()
        : running.get(message.id)?.stdin?.write(message.text))
    case 'kill':
      return void running.get(message.id)?.kill(message.signal)
    case 'fetch':
      return void answer(message)
  }
}

function start(/** @type {Extract<HostMessage, { type: 'spawn' }>} */ { id, argv, env, cwd }) {
  const [file = '', ...args] = argv
  const child = spawn(file, args, { cwd, env: { ...process.env, ...env }, stdio: 'pipe' })
  running.set(id, child)
  for (const name of /** @type {const} */ (['stdout', 'stderr'])) {
    child[name].setEncoding('utf8').on('data', (text) => send({ type: 'output', id, name, text }))
  }
  // A program may end without having read its input.
  child.stdin.on('error', () => {})
  child.once('spawn', () => send({ type: 'spawned', id, pid: child.pid ?? 0 }))
  child.once('error', (error) => end(id, { exitCode: 127, signal: null, error: error.message }))
  child.once('close', (exitCode, signal) => end(id, { exitCode, signal }))
}

/**
 * @param {number} id
 * @param {{ exitCode: number | null, signal: NodeJS.Signals | null, error?: string }} how
 */
function end(id, how) {
  if (!running.delete(id)) return
  send({ type: 'ended', id, ...how })
}

async function answer(/** @type {Extract<HostMessage, { type: 'fetch' }>} */ { id, url, headers }) {
  try {
    const response = await fetch(url, { headers, signal: AbortSignal.timeout(10_000) })
    send({ type: 'response', id, status: response.status, body: await response.text() })
  } catch (error) {
    const { message, cause } = /** @type {Error} */ (error)
    send({ type: 'response', id, status: 0, body: cause instanceof Error ? cause.message : message })
  }
}
