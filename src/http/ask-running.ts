import { z } from 'zod'
import type { ListenAddress } from '../config/listen.js'
import type { Plan } from '../plan/types.js'
import type { Finding } from '../preflight/types.js'
import { supervisorStates } from '../supervisor/state.js'
import { askInstance } from './ask-instance.js'
import { servedFinding } from './finding.js'
import { type InstanceIdentity, thisInstance } from './this-instance.js'

/** What an instance says of itself. */
export interface RunningInstance {
  /** Its whole answer at /api/v1/status. */
  readonly status: string
  readonly version: string
  readonly state: (typeof supervisorStates)[number]
  /** Why it is not ready; empty when it is. */
  readonly notReady: readonly string[]
  /** Null: it does not say. */
  readonly identity: InstanceIdentity | null
  /** Whether it runs in this container. Another container of the pod may answer at the same address. */
  readonly ours: boolean
  /** What it found before it started. */
  readonly findings: readonly Finding[]
}

const statusSchema = z.object({
  version: z.string(),
  state: z.enum(supervisorStates),
  notReady: z.array(z.string()).catch([]),
})

const checksSchema = z.object({
  instance: z
    .object({ pid: z.int(), container: z.string().nullable(), mountNamespace: z.string().nullable() })
    .nullable()
    .catch(null),
  findings: z.array(servedFinding),
})

/** @returns null when nobody answers, or somebody else than a Spillway does */
export async function askRunning(listen: ListenAddress): Promise<RunningInstance | null> {
  const status = await askInstance(listen, '/api/v1/status')
  const said = statusSchema.safeParse(parseJson(status))
  if (status === null || !said.success) return null
  const checks = checksSchema.safeParse(parseJson(await askInstance(listen, '/api/v1/checks')))
  const { instance: identity, findings } = checks.success ? checks.data : { instance: null, findings: [] }
  return { status, ...said.data, identity, ours: isOurs(identity), findings }
}

function isOurs(identity: InstanceIdentity | null): boolean {
  const { mountNamespace } = thisInstance()
  return mountNamespace !== null && identity?.mountNamespace === mountNamespace
}

/** The plan that it runs by. Of the same version alone: another one may plan in other words. */
export async function askPlan(listen: ListenAddress, { version }: RunningInstance, ours: string): Promise<Plan | null> {
  return version === ours ? (parseJson(await askInstance(listen, '/api/v1/plan')) as Plan | null) : null
}

function parseJson(text: string | null): unknown {
  try {
    return JSON.parse(text ?? 'null')
  } catch {
    return null
  }
}
