import { tmpdir } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { NativeRule, TapAddresses } from '../../../src/ipc/messages.js'
import type { Plan } from '../../../src/plan/types.js'
import type { RestartSettings } from '../../../src/supervisor/restart-policy.js'
import type { RuleSource } from '../../../src/supervisor/rule-keeper.js'
import type { SupervisorState } from '../../../src/supervisor/state.js'
import { Supervisor, type SupervisorOptions } from '../../../src/supervisor/supervisor.js'
import type { WorkerProgram } from '../../../src/supervisor/worker-process.js'

export const fixturePlan: Plan = {
  cpus: { housekeeping: [0], polling: [0], unused: [], pinning: 'set' },
  vhost: { cpus: [0] },
  lcores: [{ lcoreId: 1, cpuId: 0 }],
  idle: 'ramp',
  burst: 32,
  memory: {
    pageSize: 'none',
    mib: 64,
    hugepagesMib: 64,
    nodes: [{ numaNode: 0, mib: 64, limitMib: 64 }],
    mbufs: 4096,
    mbufCache: 256,
    dataRoomBytes: 2176,
  },
  ealArgs: ['--no-huge'],
  vfio: { pinning: 'none-needed', lockMib: 0 },
  program: {
    ealArgs: ['--no-huge'],
    memory: { pageSize: 'none', mib: 64 },
    pci: [],
    lcores: '0@(0),1@0',
    taps: [],
    missing: [],
  },
  ports: [
    {
      name: 'vf0',
      devargs: 'net_null0',
      pciAddress: null,
      numaNode: null,
      mac: null,
      network: null,
      queues: 1,
      rxDescriptors: 512,
      txDescriptors: 512,
      mtuBytes: 1500,
      followMtu: false,
      vlans: [],
      offloads: { tap: true, tso: false, rxChecksum: false },
      peer: 0,
      ethPeer: null,
      exception: { backend: 'none', tap: '', queues: 1, hold: false, queueSize: 1024, socket: '', server: false },
    },
  ],
  forwarding: { mode: 'macswap' },
  rules: [],
  exceptionPath: { builtins: true, builtinLimit: null, default: 'forward', fragments: 'rules', limit: null },
  decisions: [],
}

/** A program under test/fixtures/workers, with only the environment it needs. */
export function fixtureWorker(name: string, ...args: string[]): WorkerProgram {
  const path = fileURLToPath(new URL(`../../fixtures/workers/${name}.mjs`, import.meta.url))
  return { command: process.execPath, args: [path, ...args], env: { PATH: process.env.PATH } }
}

export const everything: NativeRule = {
  name: 'default',
  match: [],
  verdict: 'forward',
  class: 'other',
  limit: null,
}

/** A rule list with one rule per address and the default, all of which are proved to be right. */
export const honestRules: RuleSource = {
  compose: (_set, addresses) => [...addresses.flatMap(hostRules), everything],
  prove: () => Promise.resolve('tables'),
}

function hostRules({ addresses }: TapAddresses): NativeRule[] {
  return addresses.map((address) => ({ ...everything, name: `host-${address}`, match: [`host ${address}`] }))
}

export const quickRestarts: RestartSettings = {
  maxFailures: 3,
  healthyAfterMs: 60_000,
  backoffInitialMs: 1,
  backoffMaxMs: 5,
}

export interface Started {
  readonly supervisor: Supervisor
  /** Settles with the run: undefined after a clean stop, else its error. */
  readonly ended: Promise<unknown>
  /** Waits for a state; fails when the run ends before. */
  reach(state: SupervisorState): Promise<void>
}

export function startSupervisor(worker: WorkerProgram, options: Partial<SupervisorOptions> = {}): Started {
  const supervisor = new Supervisor({
    plan: fixturePlan,
    worker,
    rules: honestRules,
    folder: tmpdir(),
    restart: quickRestarts,
    stallMs: 0,
    ...options,
  })
  const ended = supervisor.run().then(
    () => undefined,
    (error: unknown) => error,
  )
  return { supervisor, ended, reach: (state) => waitFor(() => supervisor.view.state === state, `state ${state}`) }
}

/** Waits for a condition, as long as a slow machine may need. */
export async function waitFor(condition: () => boolean | Promise<boolean>, what: string): Promise<void> {
  const deadline = performance.now() + 20_000
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`not seen in 20 s: ${what}`)
    await sleep(5)
  }
}
