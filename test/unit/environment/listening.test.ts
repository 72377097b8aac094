import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { expect, it } from 'vitest'
import { HostFiles } from '../../../src/environment/host-files.js'
import { discoverListening } from '../../../src/environment/listening.js'
import { discoverOn } from './made-host.js'

const row = (local: string, state: string) => `   0: ${local} 00000000:0000 ${state} 00000000:00000000 00:00000000\n`
const head = '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when\n'

it('names the addresses at which programs listen, of both families, and nothing else', () => {
  const files = {
    'proc/self/net/tcp': head + row('00000000:24F8', '0A') + row('0100007F:0050', '01') + row('0100007F:0051', '0A'),
    'proc/self/net/tcp6':
      head +
      row('00000000000000000000000000000000:24F9', '0A') +
      row('B80D0120000000000000000001000000:24FA', '0A') +
      row('0000000000000000FFFF00000100007F:24FB', '0A') +
      row('nonsense:24FC', '0A'),
  }
  expect(discoverOn({ files }).listening).toEqual([
    { address: '0.0.0.0', port: 9464 },
    { address: '127.0.0.1', port: 81 },
    { address: '::', port: 9465 },
    { address: '2001:db8::1', port: 9466 },
    { address: '127.0.0.1', port: 9467 },
  ])
})

it('sees a real server, until it is closed', async () => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const here = () => discoverListening(new HostFiles('/')).filter((listening) => listening.port === port)
  expect(here()).toEqual([{ address: '127.0.0.1', port }])
  server.close()
  await once(server, 'close')
  expect(here()).toEqual([])
})
