import { findingMaker } from '../finding-maker.js'
import type { Check, CodeDeclarations } from '../types.js'

const codes = {
  'node-at-secure': {
    levels: ['warning'],
    meaning:
      'node runs with AT_SECURE=1, since it has file capabilities itself: NODE_OPTIONS and LD_LIBRARY_PATH are ignored',
    remedyIn: 'image (setcap on spillway-launch, not on node)',
  },
  'process-not-dumpable': {
    levels: ['note'],
    meaning: 'the process may not read its own /proc files (environ, pagemap)',
    remedyIn: 'image (setcap on spillway-launch, not on node)',
  },
  'secure-execution-ok': { levels: ['ok'], meaning: 'node runs as a plain program', remedyIn: '-' },
} as const satisfies CodeDeclarations
const finding = findingMaker(codes)

const remedy =
  'image: setcap -r on node, and setcap cap_ipc_lock,cap_net_raw+p on spillway-launch, which starts a plain node'

const atSecure = finding('node-at-secure', {
  subject: 'node',
  needed: 'AT_SECURE=0, so that NODE_OPTIONS and NODE_EXTRA_CA_CERTS count and children inherit capabilities',
  found: 'AT_SECURE=1',
  cause: 'setcap on the node binary itself',
  remedy,
})

const notDumpable = finding('process-not-dumpable', {
  subject: 'node',
  needed: '/proc/self/environ and /proc/self/pagemap readable',
  found: 'they are refused; DPDK says "cannot open /proc/self/pagemap", which is harmless with IOVA as VA',
  cause: 'a program with file capabilities that a shell started is not dumpable',
  remedy,
})

export const secureExecutionCheck = {
  name: 'secure-execution',
  title: 'Does node run as a plain program?',
  codes,
  run({ environment }) {
    const { secureExecution, dumpable, launched } = environment.process
    const found = [...(secureExecution ? [atSecure] : []), ...(dumpable ? [] : [notDumpable])]
    if (found.length > 0) return found
    const started = launched ? 'AT_SECURE=0, started by spillway-launch' : 'AT_SECURE=0'
    return [finding('secure-execution-ok', { subject: 'node', needed: 'AT_SECURE=0', found: started })]
  },
} satisfies Check
