import type { ExecStatus } from './status.js'

/** The page's table: what the program is and what its ports count. */
export function renderExecTable(status: ExecStatus): string[] {
  const { program, dpdkVersion, state, ready, notReady } = status
  return [
    `${[program.command, ...program.args].join(' ')}`,
    `${state}${program.pid === null ? '' : `, pid ${program.pid}`}, DPDK ${dpdkVersion ?? 'not known yet'}, ` +
      (ready ? 'ready' : `not ready: ${notReady.join('; ')}`),
    '',
    row(['port', 'link', 'rx packets', 'rx bytes', 'rx missed', 'tx packets', 'tx bytes', 'tx errors']),
    ...status.ports.map(({ name, link, stats }) =>
      row([
        name,
        link === null ? '' : link.up ? 'up' : 'down',
        ...[stats?.ipackets, stats?.ibytes, stats?.imissed, stats?.opackets, stats?.obytes, stats?.oerrors].map(number),
      ]),
    ),
  ]
}

const widths = [20, 6, 16, 18, 12, 16, 18, 12]

function row(cells: readonly string[]): string {
  return cells
    .map((cell, i) => (i < 2 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0)))
    .join('')
    .trimEnd()
}

function number(value: number | null | undefined): string {
  return value === null || value === undefined ? '' : String(value)
}
