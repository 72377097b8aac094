import type { Reporter, TestModule } from 'vitest/node'

/** Ends the run with "N passed, N failed". A file that could not be run is a failure. */
export default class ClosingLine implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    let passed = 0
    let failed = 0
    for (const module of modules) {
      const tests = [...module.children.allTests()]
      passed += tests.filter((test) => test.result().state === 'passed').length
      const failures = tests.filter((test) => test.result().state === 'failed').length
      failed += failures === 0 && !module.ok() ? 1 : failures
    }
    process.on('exit', () => console.log(`${passed} passed, ${failed} failed`))
  }
}
