import { describe, expect, test } from 'vitest'
import { redactArguments, redactLine, redactText, redactValue } from '../../src/redact.js'

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
    ['credentials in a URL with an @', 'postgres://u:pa@ss@h/x', 'postgres://[redacted]@h/x'],
    ['a short name', 'DB_PASS=abc and pwd: abc', 'DB_PASS=[redacted] and pwd: [redacted]'],
    ['the word after an option', 'x --api-key abc123 --mtu 9000', 'x --api-key [redacted] --mtu 9000'],
    ['quoted words after an option', `x -token "a b" y`, `x -token "[redacted]" y`],
    ['a list of arguments in JSON', '["--password", "a\\"b","-l"]', '["--password", "[redacted]","-l"]'],
    ['that list in JSON in JSON', '"[\\"--password\\",\\"x\\"]"', '"[\\"--password\\",\\"[redacted]\\"]"'],
    ['a list as Node prints it', `[ '--password', 'x', '-l' ]`, `[ '--password', '[redacted]', '-l' ]`],
    ['a number in JSON', '{"token":12345,"mtu":1500}', '{"token":"[redacted]","mtu":1500}'],
    ['JSON inside JSON', '{"a":"{\\"password\\":\\"hunter2\\"}"}', '{"a":"{\\"password\\":\\"[redacted]\\"}"}'],
  ])('%s is taken out, and no more', (_what, text, clean) => {
    expect(redactText(text)).toBe(clean)
  })

  test('leaves what a bug report needs', () => {
    const text = 'need 64 MiB for port vf0 (0000:3b:02.4), MAC 50:00:00:00:00:01; see https://host/path?x=1'
    expect(redactText(text)).toBe(text)
  })

  // A search that begins anew at every `eyJ` looks at each character thousands of times, and finds the last token only.
  test('is judged once for a whole run of characters, however long', () => {
    const run = 'eyJ-'.repeat(20_000)
    expect(redactText(`a ${run}.b c`)).toBe('a [redacted] c')
    expect(redactText(`a ${run} c.d`)).toBe(`a ${run} c.d`)
  })

  test('is found behind hostile texts', () => {
    const hostile = ['password=\\"', 'a-', '\\\\\\\\', 'http://', '-token', 'eyJ.']
    for (const part of hostile)
      expect(redactText(`${part.repeat(20_000)}\n"" --password hunter2`)).not.toContain('hunter2')
  })
})

describe('the arguments of a program', () => {
  test('keep their number and lose their secrets', () => {
    const args = ['sh', '-c', 'x --token a', '--api-key', 'abc123', '--password', 'hunter2', '--token=zzz', '-p', 'x y']
    expect(redactArguments(args)).toEqual([
      ...['sh', '-c', 'x --token [redacted]', '--api-key', '[redacted]', '--password', '[redacted]'],
      ...['--token=[redacted]', '-p', '[redacted]'],
    ])
  })

  test('keep what a data plane is told, port masks of -p too', () => {
    const args = ['-l', '0-3', '-a', '0000:3b:02.4', '--', '-p', '0x3', '-P', '--config', '(0,0,1)', '-p', 'ff']
    expect(redactArguments(args)).toEqual(args)
  })
})

describe('a line of a log', () => {
  test('is redacted as the data that it is', () => {
    const line = '{"msg":"started","args":["-p","hunter2","--token","a"],"pid":5}'
    expect(redactLine(line)).toBe('{"msg":"started","args":["-p","[redacted]","--token","[redacted]"],"pid":5}')
  })

  test('is redacted as text when it is no JSON', () => {
    expect(redactLine('{"msg":"cut","token":"abc')).toBe('{"msg":"cut","token":"[redacted]"')
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
