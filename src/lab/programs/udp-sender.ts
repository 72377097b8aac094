import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { argv } from 'node:process'
import type { UdpSenderReport } from './reports.js'

/**
 * The load of the fast path: `udp-sender.js ADDRESS PORT PPS BYTES`. Sends in small steps, so that the load is even,
 * reports once a second and ends when the channel closes.
 */
const [address = '', port = '', pps = '', bytes = ''] = argv.slice(2)
const payload = Buffer.alloc(Number(bytes), 'spillway')
const stepMs = 1
/** After a pause (another process had the CPU) at most this many go out at once: the receiver's ring is finite. */
const mostAtOnce = 128

const socket = createSocket('udp4')
// ECONNREFUSED and the like come from a network that is being built or taken down.
socket.on('error', () => {})
socket.connect(Number(port), address)
await once(socket, 'connect')

let datagrams = 0
let owed = 0
let last = performance.now()

function step(): void {
  const now = performance.now()
  owed = Math.min(owed + ((now - last) * Number(pps)) / 1000, mostAtOnce)
  last = now
  for (; owed >= 1; owed--) {
    socket.send(payload, (error) => {
      if (error === null) datagrams++
    })
  }
}

const sending = setInterval(step, stepMs)
const reporting = setInterval(report, 1000)
process.once('disconnect', () => {
  clearInterval(sending)
  clearInterval(reporting)
  socket.close()
})

function report(): void {
  process.send?.({ type: 'sent', datagrams } satisfies UdpSenderReport)
}
