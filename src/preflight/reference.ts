import { type CatalogueSection, passiveSections, probeSections } from './catalogue.js'
import { type Level, levels } from './types.js'

const meanings: Record<Level, string> = {
  error: '`run` and `exec` cannot work like this, and refuse to start; `--force` goes on all the same',
  warning: 'it works, but not as one may think',
  note: 'worth knowing',
  ok: 'looked at, and right',
}

/** The pod below test/fixtures/hosts whose findings the page shows. */
export const exampleHost = 'no-injector'

/**
 * The text of docs/doctor.md. A test fails when the file says something else.
 *
 * @param output  what the doctor prints for `exampleHost`
 */
export function renderDoctorReference(output: string): string {
  return `<!-- Made from src/preflight/checks by "npm run docs"; do not edit. -->

# Doctor

\`spillway doctor\` says what the pod gives, what is missing, why, and the line that mends it. It looks first (files below
/proc and /sys, variables, limits) and then tries, in a child process with a deadline for each probe, what the data plane
will try: open vhost-net, attach to the tap, touch a hugepage, lock memory, ask for NUMA policies, open VFIO groups.

\`\`\`
spillway doctor                      # in the pod; exit code 0, or 69 with an error
spillway doctor --json               # for programs: version, summary, findings, running, tookMs
spillway doctor --no-probes          # only look
spillway doctor --bundle report.tar.gz   # also write an archive for a bug report, without secrets
spillway doctor --root DIR           # another host's files; nothing is tried
\`\`\`

It plans with the same configuration as \`run\`, so give it the same flags. \`run\` and \`exec\` make these checks before they
start. Codes and levels are an API and stay; the texts are for people.

Where a Spillway of the same container runs, it has the pages, the locked memory and the devices, and rights that a program
below \`kubectl exec\` has not: the doctor then tells what that one found at its start, and in notes what it finds itself.
One of another container that answers at the same address is an error (\`http-in-use\`).

What only a port that runs can tell (a filter that its PF refuses, an MTU that it cannot have, an address that DPDK made up since
the PF is down, a device that was taken away) \`run\` finds while it runs: [layer2.md](layer2.md) has the codes. They are in its
log, in \`/api/v1/status\`, in \`spillway_running_findings\`, and at \`/api/v1/checks\`, where the doctor beside it reads them.

| level | means |
| --- | --- |
${levels.map((level) => `| ${level} | ${meanings[level]} |\n`).join('')}
## What it prints

For the pod in \`test/fixtures/hosts/${exampleHost}\`:

\`\`\`
$ spillway doctor --root test/fixtures/hosts/${exampleHost}
${output.trimEnd()}
\`\`\`

## What it looks at

${passiveSections.map(renderSection).join('\n')}
## What it tries

${probeSections.map(renderSection).join('\n')}`
}

function renderSection({ name, title, codes }: CatalogueSection): string {
  const rows = Object.entries(codes).map(
    ([code, declared]) =>
      `| \`${code}\` | ${declared.levels.join(', ')} | ${cell(declared.meaning)} | ${cell(declared.remedyIn)} |\n`,
  )
  return `### ${name}

${title}

| code | level | means | the remedy is in |
| --- | --- | --- | --- |
${rows.join('')}`
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|').replace(/^–$/, '-')
}
