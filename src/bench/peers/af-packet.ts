import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Namespaces, openNamespaces } from '../../lab/namespaces.js'
import { checkMachine } from '../../lab/prechecks.js'
import { builtPrograms } from '../../lab/processes.js'
import { Teardown } from '../../lab/teardown.js'
import { buildTopology, labNetwork } from '../../lab/topology.js'
import { startUdp } from '../../lab/traffic-udp.js'
import type { WorkerProgram } from '../../supervisor/worker-process.js'
import { workerProgram } from '../../supervisor/worker-program.js'

/** A rate that one sender on the housekeeping CPU holds evenly, and a polling lcore takes without loss. */
const offeredPps = 30_000

/** veth with `net_af_packet` on the near end, and a peer that sends at an even rate through it. */
export interface AfPacketTopology {
  readonly device: string
  /** Goes in front of a program that is to run in the pod's namespace. */
  readonly through: readonly string[]
  readonly worker: WorkerProgram
  close(): Promise<void>
}

export async function openAfPacketTopology(workerEntry: URL): Promise<AfPacketTopology> {
  const teardown = new Teardown()
  try {
    return { ...(await build(workerEntry, teardown)), close: () => teardown.run() }
  } catch (error) {
    await teardown.run()
    throw error
  }
}

async function build(workerEntry: URL, teardown: Teardown): Promise<Omit<AfPacketTopology, 'close'>> {
  const namespaces = await openNamespaces(await checkMachine())
  teardown.defer(() => namespaces.close())
  await buildTopology(namespaces)
  const folder = await mkdtemp(join(tmpdir(), 'spillway-bench-'))
  teardown.defer(() => rm(folder, { recursive: true, force: true }))
  startLoad(namespaces, teardown)
  const through = namespaces.pod.enter([])
  const inner = workerProgram(workerEntry, folder)
  const [command = '', ...args] = [...through, inner.command, ...inner.args]
  return {
    device: `net_af_packet0,iface=${labNetwork.vf},blocksz=4096,framesz=2048,framecnt=2048,qpairs=1`,
    through,
    worker: { ...inner, command, args },
  }
}

function startLoad({ peer }: Namespaces, teardown: Teardown): void {
  const load = { address: labNetwork.fastPathV4, port: 9, pps: offeredPps, payloadBytes: 22 }
  const traffic = startUdp(peer, builtPrograms, load, (error) => {
    process.stderr.write(`the sender failed: ${error.message}\n`)
  })
  teardown.defer(() => traffic.stop())
}
