import { openHttpSocket } from '../../src/lab/http-socket.js'
import { type Instance, startInstance } from '../../src/lab/instance.js'
import { formatSettings, labSettings, readAllowedCpus, type Settings } from '../../src/lab/lab-config.js'
import { type Namespaces, openNamespaces } from '../../src/lab/namespaces.js'
import { checkMachine, type Isolation, widenPath } from '../../src/lab/prechecks.js'
import { makeRunFolder } from '../../src/lab/run-folder.js'
import { Teardown } from '../../src/lab/teardown.js'
import { buildTopology, type Topology } from '../../src/lab/topology.js'

process.env.PATH = widenPath(process.env.PATH ?? '')

/** Vitest runs the lab's sources; what they start are the built programs. */
export const programs = new URL('../../dist/lab/programs/', import.meta.url)

export interface LabSpec {
  readonly isolation?: Isolation
  readonly settings?: (settings: Settings) => Settings
  readonly multiQueueTap?: boolean
  /** Something to do in the namespaces before Spillway starts. */
  readonly prepare?: (namespaces: Namespaces) => Promise<unknown>
  readonly through?: readonly string[]
}

/** A lab without traffic: namespaces, network and the production process tree inside. */
export interface Lab extends Namespaces {
  readonly topology: Topology
  readonly instance: Instance
  /** Everything the instance logged. */
  readonly log: readonly string[]
}

const open = new Set<Teardown>()

/** Starts a lab; `closeLabs` in an `afterEach` ends it, whatever the test did to it. */
export async function startLab({
  isolation,
  multiQueueTap = false,
  settings = (same) => same,
  prepare,
  through = [],
}: LabSpec = {}): Promise<Lab> {
  const teardown = new Teardown()
  open.add(teardown)
  const folder = await makeRunFolder()
  teardown.defer(() => folder.remove())
  const namespaces = await openNamespaces(isolation ?? (await checkMachine()))
  teardown.defer(() => namespaces.close())
  const topology = await buildTopology(namespaces, { multiQueueTap })
  await prepare?.(namespaces)
  const text = formatSettings(settings(labSettings(readAllowedCpus())))
  const configFile = await folder.write('spillway.yaml', text)
  const http = await openHttpSocket({ host: '127.0.0.1', port: 0 })
  const log: string[] = []
  const instance = startInstance({
    pod: namespaces.pod,
    configFile,
    folder: folder.path,
    http,
    through,
    onLine: (line) => log.push(line),
  })
  teardown.defer(() => instance.stop())
  return { ...namespaces, topology, instance, log }
}

/** The same, and forwarding. */
export async function readyLab(spec: LabSpec = {}): Promise<Lab> {
  const lab = await startLab(spec)
  await lab.instance.ready()
  return lab
}

export async function closeLabs(): Promise<void> {
  const teardowns = [...open]
  open.clear()
  await Promise.all(teardowns.map((teardown) => teardown.run()))
}

/** For traffic and the like: ended before the lab it runs in. */
export function alsoClose(step: () => Promise<unknown>): void {
  const last = [...open].at(-1)
  if (last === undefined) throw new Error('no lab is open')
  last.defer(step)
}

/** Fails the test that relies on something a child of the lab broke. */
export function failTest(error: Error): never {
  throw error
}
