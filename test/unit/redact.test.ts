import { describe, expect, test } from 'vitest'
import { redactText, redactValue } from '../../src/redact.js'

const jwt = 'eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJzeXN0ZW0ifQ.c2lnbmF0dXJl_LXRoYXQtaXM'

describe('a secret in a text', () => {
  test.each([
    ['a JSON Web Token', `token ${jwt} end`, 'token [redacted] end'],
    ['a Bearer header', 'authorized by Bearer abcdef123456', 'authorized by Bearer [redacted]'],
    ['an OpenShift token', 'login sha256~abcdefghijklmnop now', 'login [redacted] now'],
    ['a PEM block', 'x -----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY----- y', 'x [redacted] y'],
    ['a PEM block that was cut', 'x -----BEGIN PRIVATE KEY-----\nMIIE', 'x [redacted]'],
    ['credentials in a URL', 'https://user:pa55@host/x', 'https://[redacted]@host/x'],
    ['a password in an assignment', 'DB_PASSWORD=hunter2 next', 'DB_PASSWORD=[redacted] next'],
    ['a password in YAML', 'password: hunter2\nmtu: 1500', 'password: [redacted]\nmtu: 1500'],
    ['a password with blanks, in quotes', `password: 'hunter two' x`, `password: '[redacted]' x`],
    ['a key in JSON', '{"x-api-key":"a\\"b","mtu":1500}', '{"x-api-key":"[redacted]","mtu":1500}'],
    ['a number in JSON', '{"token":12345,"mtu":1500}', '{"token":"[redacted]","mtu":1500}'],
    ['JSON inside JSON', '{"a":"{\\"password\\":\\"hunter2\\"}"}', '{"a":"{\\"password\\":\\"[redacted]\\"}"}'],
  ])('%s is taken out, and no more', (_what, text, clean) => {
    expect(redactText(text)).toBe(clean)
  })

  test('leaves what a bug report needs', () => {
    const text = 'need 64 MiB for port vf0 (0000:3b:02.4), MAC 50:00:00:00:00:01; see https://host/path?x=1'
    expect(redactText(text)).toBe(text)
  })

  test('is looked for without end in no text', () => {
    const hostile = ['eyJaaaaaa-', 'password=\\"', 'a-', '\\\\\\\\', '-----BEGIN A-----', 'http://'].map((part) =>
      part.repeat(20_000),
    )
    for (const text of hostile) expect(redactText(text).length).toBeGreaterThan(0)
  })
})

test('in data everything below a name that promises a secret goes', () => {
  expect(
    redactValue({ secrets: { a: 'x' }, list: [{ apiKey: 'x', mtu: 1500 }], note: `has ${jwt}`, token: null }),
  ).toEqual({
    secrets: '[redacted]',
    list: [{ apiKey: '[redacted]', mtu: 1500 }],
    note: 'has [redacted]',
    token: null,
  })
})
