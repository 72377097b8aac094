import { argv } from 'node:process'
import { setTimeout as sleep } from 'node:timers/promises'
import { transfer } from './transfer.js'

/**
 * The client at the peer: `http-client.js PAUSE_MS URL...`. Downloads from and uploads to each address in turn,
 * a new connection each time, checks every byte by sha256 and reports. Ends after the transfer in hand
 * when the channel closes.
 */
const [pauseMs = '', ...urls] = argv.slice(2)

while (process.connected) {
  for (const url of urls) {
    for (const direction of ['download', 'upload'] as const) {
      if (!process.connected) break
      const report = await transfer(url, direction)
      if (process.connected) process.send?.(report)
      await sleep(Number(pauseMs))
    }
  }
}
