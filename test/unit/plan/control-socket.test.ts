import { expect, test } from 'vitest'
import { placeControlSocket } from '../../../src/plan/control-socket.js'

const place = (path: string, { uid = 1001, base = '/run/spillway', writable = true } = {}) =>
  placeControlSocket(
    { control: { path } },
    {
      process: { uid },
      runtimeDirectory: {
        path: base,
        from: 'RUNTIME_DIRECTORY',
        writable,
        fallback: { path: '/tmp', writable: true },
        prefixes: [],
      },
    },
  )

test('is in a folder of the user below the runtime directory', () => {
  expect(place('auto')).toEqual({
    path: '/run/spillway/spillway-1001/control.sock',
    folder: '/run/spillway/spillway-1001',
  })
  expect(place('auto', { uid: 0, base: '/var/run' })).toMatchObject({ path: '/var/run/spillway/control.sock' })
})

test('is in the folder for temporary files where the runtime directory cannot be written', () => {
  expect(place('auto', { writable: false })).toMatchObject({ path: '/tmp/spillway-1001/control.sock' })
})

test('is where the operator says, or nowhere', () => {
  expect(place('/srv/control')).toEqual({ path: '/srv/control', folder: null })
  expect(place('off')).toBeNull()
})

test('is nowhere when its path would be too long for a socket', () => {
  expect(place('auto', { base: `/${'x'.repeat(90)}` })).toBeNull()
})
