/**
 * transfer.mjs SERVER_NAMESPACE CLIENT_NAMESPACE ADDRESS... : the lab's HTTP server in one network namespace, its client in
 * the other, until 1 MiB went up and down over each address. Prints the client's reports as JSON lines; exit code 1 when a
 * transfer failed or arrived changed.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'

const [serverNamespace = '', clientNamespace = '', ...addresses] = process.argv.slice(2)
const port = '8080'
const programs = new URL('../../../dist/lab/programs/', import.meta.url).pathname

function start(namespace, name, ...args) {
  const argv = ['netns', 'exec', namespace, process.execPath, `${programs}${name}`, ...args]
  return spawn('ip', argv, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
}

const server = start(serverNamespace, 'http-server.js', port, ...addresses)
await once(server, 'message')
const urls = addresses.map((address) => `http://${address.includes(':') ? `[${address}]` : address}:${port}/`)
const client = start(clientNamespace, 'http-client.js', '10', ...urls)
const outstanding = new Set(addresses.flatMap((host) => [`download ${host}`, `upload ${host}`]))
client.on('message', (report) => {
  console.log(JSON.stringify(report))
  if (report.type === 'failed') process.exitCode = 1
  outstanding.delete(`${report.direction} ${report.host}`)
  if (outstanding.size > 0 && process.exitCode !== 1) return
  client.disconnect()
  server.disconnect()
})
await Promise.all([once(client, 'exit'), once(server, 'exit')])
