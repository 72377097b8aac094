import { defineConfig } from 'vitest/config'

/**
 * The VM tier: the tests run here, at full speed; what they start runs in a guest (scripts/vm), each file's in one of its own.
 * Two at a time: most of what a guest does is one thread of Node's, emulated, and a start of Spillway takes 10 s and more.
 */
export default defineConfig({
  test: {
    globalSetup: ['test/leaks.ts', 'test/vm/prepare.ts'],
    include: ['test/vm/**/*.test.ts'],
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 240_000,
    hookTimeout: 240_000,
    reporters: ['verbose', './test/vm/closing-line.ts'],
  },
})
