import { z } from 'zod'
import { builtPrograms, startProgram } from '../../lab/processes.js'
import { httpServerReport } from '../../lab/programs/reports.js'
import type { Teardown } from '../../lab/teardown.js'
import { Endpoint } from './endpoint.js'

/** Where the programs under test meet the pod's VF and tap, and where the peer is. */
export const testbedSpec = z.strictObject({
  /** PCI address of the VF on vfio-pci. */
  vf: z.string(),
  mac: z.string(),
  tap: z.string(),
  tapAddress: z.string(),
  /** Network namespace of the peer; the benchmark itself runs in the pod's. */
  peerNamespace: z.string(),
  peerNetdev: z.string(),
  peerAddress: z.string(),
  /** The pod's user, who owns the tap and the devices. */
  uid: z.int(),
  /** The program of {@link Endpoint}. */
  endpoint: z.string(),
})
export type TestbedSpec = z.infer<typeof testbedSpec>

/** The testbed with its traffic sources, which live as long as the benchmark and are the same for every program. */
export interface Testbed {
  readonly spec: TestbedSpec
  /** In the pod: what it sends is to be injected. */
  readonly pod: Endpoint
  /** At the peer: what it sends is to be punted. */
  readonly peer: Endpoint
  /** An HTTP server at the peer that answers and takes the lab's payload. */
  readonly url: string
  /** The command line that runs `argv` at the peer, on the CPU of the traffic sources. */
  atPeer(argv: readonly string[]): string[]
}

const httpPort = 8080

export async function openTestbed(spec: TestbedSpec, trafficCpu: number, teardown: Teardown): Promise<Testbed> {
  const onCpu = (argv: readonly string[]): string[] => ['taskset', '-c', String(trafficCpu), ...argv]
  const atPeer = (argv: readonly string[]): string[] => onCpu(['ip', 'netns', 'exec', spec.peerNamespace, ...argv])
  const { tapAddress, peerAddress } = spec
  const endpoint = async (enter: typeof onCpu, own: string, peer: string): Promise<Endpoint> => {
    const opened = await Endpoint.open(enter(['python3', spec.endpoint, own, peer]))
    teardown.defer(() => opened.close())
    return opened
  }
  const pod = await endpoint(onCpu, tapAddress, peerAddress)
  const peer = await endpoint(atPeer, peerAddress, tapAddress)
  await startServer(atPeer, peerAddress, teardown)
  return { spec, pod, peer, url: `http://${peerAddress}:${httpPort}/`, atPeer }
}

function startServer(enter: Testbed['atPeer'], address: string, teardown: Teardown): Promise<void> {
  return new Promise((resolve, reject) => {
    const args = [String(httpPort), address]
    const server = startProgram(
      { enter },
      { folder: builtPrograms, name: 'http-server.js', args, report: httpServerReport },
      { onFailure: reject, onReport: () => resolve() },
    )
    teardown.defer(() => server.stop())
  })
}
