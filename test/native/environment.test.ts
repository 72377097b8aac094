import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import type { ProcessEnvironment } from '../../src/environment/types.js'
import {
  type Container,
  capability,
  checkout,
  copyWithCapabilities,
  makeImageFolder,
  missingForContainers,
  removeImageFolders,
  runInContainer,
} from './container.js'

afterAll(removeImageFolders)

const missing = missingForContainers()
if (missing !== undefined && process.env.CI) throw new Error(`the tests of privileges need ${missing}`)

const program =
  `import { discoverEnvironment } from ${JSON.stringify(`${checkout}/dist/environment/discover.js`)}\n` +
  'process.stdout.write(JSON.stringify(discoverEnvironment().process))'

/** What a node finds out about itself that a runtime started like this. */
function discoverIn(container: Container, node: string, through: readonly string[] = []): ProcessEnvironment {
  const { stdout, stderr } = runInContainer(container, ...through, node, '--input-type=module', '-e', program)
  if (stdout === '') throw new Error(stderr)
  return JSON.parse(stdout)
}

describe.skipIf(missing !== undefined)(`a process finds out${missing ? ` (needs ${missing})` : ''}`, () => {
  const added = capability.ipcLock
  const shell = ['/bin/bash', '-c', '"$@"; exit $?', 'bash']
  const withFileCapabilities = () =>
    copyWithCapabilities(process.execPath, join(makeImageFolder(), 'node'), 'cap_ipc_lock+ep')

  test('that a granted capability is bounding and not effective without file capabilities', () => {
    const found = discoverIn({ added, noNewPrivs: true, memlockBytes: 65_536 }, process.execPath)
    expect(found).toMatchObject({
      uid: 1001,
      noNewPrivs: true,
      memlockBytes: 65_536,
      secureExecution: false,
      dumpable: true,
      capabilities: { effective: [], permitted: [], bounding: ['CAP_IPC_LOCK'] },
    })
  })

  test('that it is secure but dumpable with file capabilities as entrypoint', () => {
    const found = discoverIn({ added, noNewPrivs: true }, withFileCapabilities())
    expect(found).toMatchObject({ secureExecution: true, dumpable: true })
    expect(found.capabilities.effective).toEqual(['CAP_IPC_LOCK'])
  })

  test('that file capabilities are lost below a shell with no_new_privs', () => {
    const found = discoverIn({ added, noNewPrivs: true }, withFileCapabilities(), shell)
    expect(found).toMatchObject({ noNewPrivs: true, secureExecution: true })
    expect(found.capabilities.effective).toEqual([])
  })

  test('that it is secure and not dumpable with file capabilities below a shell', () => {
    const found = discoverIn({ added }, withFileCapabilities(), shell)
    expect(found).toMatchObject({ noNewPrivs: false, secureExecution: true, dumpable: false })
    expect(found.capabilities.effective).toEqual(['CAP_IPC_LOCK'])
  })

  test('that ambient capabilities make nothing secure', () => {
    const found = discoverIn({ added, inheritable: added, ambient: added, noNewPrivs: true }, process.execPath)
    expect(found).toMatchObject({ secureExecution: false, dumpable: true })
    expect(found.capabilities).toMatchObject({ effective: ['CAP_IPC_LOCK'], ambient: ['CAP_IPC_LOCK'] })
  })
})
