import { describe, expect, test } from 'vitest'
import { findingsOf } from './checks/fixtures.js'

const levelOf = (listen: string, address: string) =>
  findingsOf({ settings: { 'http.listen': listen }, environment: { listening: [{ address, port: 9464 }] } }).find(
    ({ code }) => code === 'http-in-use',
  )?.level

describe('the address for HTTP', () => {
  test.each([
    ['[::]:9464', '0.0.0.0', 'error'],
    ['[::]:9464', '10.0.0.1', 'error'],
    ['0.0.0.0:9464', '127.0.0.1', 'error'],
    ['127.0.0.1:9464', '0.0.0.0', 'error'],
    ['localhost:9464', '127.0.0.1', 'error'],
    ['127.0.0.1:9464', '::', 'warning'],
    ['example.test:9464', '0.0.0.0', 'warning'],
    ['127.0.0.1:9464', '10.0.0.1', undefined],
    ['[::1]:9464', '0.0.0.0', undefined],
    ['0.0.0.0:9464', '::1', undefined],
    ['[::]:9465', '0.0.0.0', undefined],
    ['127.0.0.1:0', '127.0.0.1', undefined],
    ['fd:3', '::', undefined],
    ['unix:/run/http:9464', '::', undefined],
  ])('%s with a listener at %s: %s', (listen, address, level) => {
    expect(levelOf(listen, address)).toBe(level)
  })
})
