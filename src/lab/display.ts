import type { WriteStream } from 'node:tty'
import type { Status } from '../http/status.js'
import { renderLine, renderTable } from '../top/table.js'
import { formatPing } from './summary.js'
import type { TrafficCount } from './traffic.js'

/** What the lab looks like once a second. */
export interface View {
  readonly seconds: number
  /** Null while the instance does not answer. */
  readonly status: Status | null
  readonly traffic: TrafficCount
}

export interface Display {
  show(view: View): void
  /** A line that stays, above the live table where there is one. */
  print(line: string): void
  /** For whoever writes to the terminal by another way: the live table makes room and comes back. */
  around(write: () => void): void
  /** The last view stays; what is printed from now on comes below it. */
  finish(): void
}

/** A live table on a terminal, a line a second elsewhere. */
export function makeDisplay(out: NodeJS.WriteStream | WriteStream, url: string): Display {
  return out.isTTY ? new LiveTable(out, url) : new Lines(out)
}

class Lines implements Display {
  constructor(private readonly out: NodeJS.WritableStream) {}

  show({ seconds, status, traffic }: View): void {
    const instance = status === null ? 'no answer' : renderLine(status)
    this.print([`${seconds.toFixed(0).padStart(3)} s`, instance, pingLine(traffic), tcpLine(traffic)].join(' | '))
  }

  print(line: string): void {
    this.out.write(`${line}\n`)
  }

  around(write: () => void): void {
    write()
  }

  finish(): void {}
}

/** Redraws its own lines in place, so that what was on the terminal before stays readable. */
class LiveTable implements Display {
  private drawn: readonly string[] = []

  constructor(
    private readonly out: NodeJS.WriteStream | WriteStream,
    private readonly url: string,
  ) {}

  show({ status, traffic }: View): void {
    const { columns: width = 80, rows: height = 24 } = this.out
    const lines = [
      ...(status === null ? ['the instance does not answer'] : renderTable(status, { width })),
      '',
      ...traffic.pings.map((ping) => `ping ${ping.host}: ${formatPing(ping)}`),
      tcpLine(traffic),
      '',
      `metrics ${this.url}/metrics   page ${this.url}/   Ctrl-C ends`,
    ]
    // The last row stays free: a line feed there would scroll the table away from where it is redrawn.
    this.redraw(lines.slice(-(height - 1)).map((line) => line.slice(0, width - 1)))
  }

  print(line: string): void {
    this.around(() => this.out.write(`${line}\n`))
  }

  around(write: () => void): void {
    const table = this.drawn
    this.redraw([])
    write()
    this.redraw(table)
  }

  finish(): void {
    this.drawn = []
  }

  private redraw(lines: readonly string[]): void {
    if (this.drawn.length === 0 && lines.length === 0) return
    const up = this.drawn.length > 0 ? `\x1b[${this.drawn.length}A` : ''
    this.out.write(`${up}\r\x1b[J${lines.map((line) => `${line}\n`).join('')}`)
    this.drawn = lines
  }
}

function pingLine({ pings }: TrafficCount): string {
  const rtts = pings.map(({ host, lastRttMs }) => `${host} ${lastRttMs === null ? 'no answer' : `${lastRttMs} ms`}`)
  const lost = pings.reduce((total, { sent, received }) => total + sent - received, 0)
  return `ping ${rtts.join(', ')}, ${lost} lost`
}

function tcpLine({ tcp }: TrafficCount): string {
  const took = tcp.lastMilliseconds === null ? '' : `, last 1 MiB in ${tcp.lastMilliseconds.toFixed(0)} ms`
  return `tcp ${tcp.downloads} down ${tcp.uploads} up ${tcp.failed} failed${took}`
}
