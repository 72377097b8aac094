import { chown, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Teardown } from '../../lab/teardown.js'
import { composeRules } from '../../rules/compose.js'
import { narrowAffinity } from '../../supervisor/affinity.js'
import { workerProgram } from '../../supervisor/worker-program.js'
import { asPodUser, podSettings } from '../exception/contenders.js'
import type { TestbedSpec } from '../exception/testbed.js'
import { startBenchWorker } from '../peers/bench-worker.js'
import { surveyMachine } from '../peers/machine.js'
import { planOf } from '../peers/topologies.js'
import { offloadsOf, type Site } from './site.js'

const workerEntry = new URL('../../worker/main.js', import.meta.url)

/** The guide's pod in a guest: a VF on vfio-pci and its tap. Runs in the pod's network namespace. */
export async function openPodSite(spec: TestbedSpec, teardown: Teardown): Promise<Site> {
  const machine = surveyMachine()
  teardown.defer(async () => machine.release())
  const housekeeping = machine.allowedCpus.filter((cpu) => cpu !== machine.pollingCpu)
  await narrowAffinity(housekeeping)
  const folder = await mkdtemp(join(tmpdir(), 'spillway-bench-'))
  teardown.defer(() => rm(folder, { recursive: true, force: true }))
  await chown(folder, spec.uid, spec.uid)
  const program = asPodUser(workerProgram(workerEntry, folder), spec.uid)
  return {
    name: 'pod',
    backends: ['vhost-net', 'tap'],
    variants: ['whole', 'device', 'packets'],
    pod: { address: spec.tapAddress, enter: (argv) => [...argv] },
    peer: { address: spec.peerAddress, enter: (argv) => ['ip', 'netns', 'exec', spec.peerNamespace, ...argv] },
    seconds: 4,
    start: (backend, variant) => {
      const settings = podSettings(spec, machine, backend, 'poll', offloadsOf[variant])
      const plan = planOf(machine, folder, { ...settings, exceptionPath: { limit: null } })
      return startBenchWorker(program, plan, ({ addresses }) => composeRules(plan, addresses))
    },
  }
}
