import { defineConfig } from 'vitest/config'

/**
 * The VM tier: the tests run here, at full speed; what they start runs in a guest (scripts/vm). One file at a time, each
 * with a guest of its own. Emulated, a start of Spillway takes 10 s and more.
 */
export default defineConfig({
  test: {
    globalSetup: ['test/leaks.ts'],
    include: ['test/vm/**/*.test.ts'],
    pool: 'forks',
    fileParallelism: false,
    maxWorkers: 1,
    testTimeout: 120_000,
    hookTimeout: 180_000,
    reporters: ['verbose', './test/vm/closing-line.ts'],
  },
})
