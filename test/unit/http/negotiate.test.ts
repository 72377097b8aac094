import { expect, test } from 'vitest'
import { negotiateFormat } from '../../../src/http/negotiate.js'

test.each([
  ['text', undefined],
  ['text', ''],
  ['text', '*/*'],
  ['text', 'text/html,application/xhtml+xml,*/*;q=0.8'],
  ['openMetrics', 'application/openmetrics-text'],
  ['openMetrics', 'application/openmetrics-text; version=1.0.0; charset=utf-8'],
  [
    'openMetrics',
    'application/openmetrics-text;version=1.0.0;q=0.5,application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2',
  ],
  ['text', 'application/openmetrics-text;q=0.2,text/plain;q=0.9'],
  ['text', 'application/openmetrics-text;q=0'],
  ['text', 'application/openmetrics-text;version=2.0.0'],
  ['text', 'application/openmetrics-text;q=many'],
] as const)('%s for %s', (format, accept) => {
  expect(negotiateFormat(accept)).toBe(format)
})
