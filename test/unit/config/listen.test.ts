import { describe, expect, it } from 'vitest'
import { parseListen } from '../../../src/config/listen.js'

describe('parseListen', () => {
  it.each([
    '',
    '9464',
    'host',
    'host:',
    'host:x',
    'host:65536',
    '::1:80',
    '[::1]',
    '[::1:80',
    'a b:80',
    'fd:',
    'fd:0',
    'fd:2',
    'fd:-3',
    'unix:',
    'unix:relative',
    `unix:/${'x'.repeat(107)}`,
    'unix:/a\0b',
    'http://x:80',
  ])('refuses %j', (text) => expect(parseListen(text)).toBeUndefined())

  it.each([
    ['[::]:9464', { kind: 'tcp', host: '::', port: 9464 }],
    [':9464', { kind: 'tcp', host: '::', port: 9464 }],
    ['127.0.0.1:0', { kind: 'tcp', host: '127.0.0.1', port: 0 }],
    ['localhost:80', { kind: 'tcp', host: 'localhost', port: 80 }],
    ['[fe80::1%eth0]:80', { kind: 'tcp', host: 'fe80::1%eth0', port: 80 }],
    ['fd:3', { kind: 'fd', fd: 3 }],
    ['unix:/run/spillway/http.sock', { kind: 'unix', path: '/run/spillway/http.sock' }],
  ])('reads %s', (text, address) => expect(parseListen(text)).toEqual(address))
})
