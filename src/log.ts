import { isatty } from 'node:tty'
import { type Logger, pino, stdSerializers } from 'pino'
import { LineRing } from './line-ring.js'

export type { Logger } from 'pino'

export const logLevels = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const
export type LogLevel = (typeof logLevels)[number]

/** `auto`: for people when stderr is a terminal, JSON lines otherwise. */
export const logFormats = ['auto', 'json', 'pretty'] as const
export type LogFormat = (typeof logFormats)[number]

// Synchronous: the last line before a crash or an exit is the one that matters.
const stderr = pino.destination({ fd: 2, sync: true })
// A reader of stderr that went away must not take the data plane with it.
stderr.on('error', () => {})

const renderJson = (line: string): string => `${line}\n`
let render = renderJson
let level: LogLevel = 'info'
const loggers = new Set<Logger>()
/** The last of the log, for /api/v1/log and a bug report. */
const recent = new LineRing({ lines: 500, bytes: 512 * 1024, lineBytes: 16 * 1024 })

/**
 * A logger for one part of the program. Messages are constant sentences; what varies is a field.
 * It follows `configureLogging` also when it was made before.
 */
export function createLogger(fields: { readonly component: string } & Record<string, unknown>): Logger {
  const logger = pino(
    {
      level,
      base: fields,
      messageKey: 'msg',
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { err: stdSerializers.errWithCause },
    },
    { write: writeLogLine },
  )
  loggers.add(logger)
  return logger
}

/** Writes a finished JSON line, e.g. one that came from the worker, in the format in force. */
export function writeLogLine(line: string): void {
  const bare = line.replace(/\n$/, '')
  recent.push(bare)
  stderr.write(render(bare))
}

/** The last lines, oldest first, as JSON whatever the format in force. */
export function recentLogLines(): readonly string[] {
  return recent.lines
}

/** Sets level and format for every logger, those that exist and those to come. */
export async function configureLogging(settings: {
  readonly level: LogLevel
  readonly format: LogFormat
}): Promise<void> {
  level = settings.level
  for (const logger of loggers) logger.level = level
  const pretty = settings.format === 'pretty' || (settings.format === 'auto' && isatty(2))
  render = pretty ? await prettyRenderer() : renderJson
}

/** Loaded only when a person reads: production logs JSON and need not carry the formatter in memory. */
async function prettyRenderer(): Promise<(line: string) => string> {
  const { prettyFactory } = await import('pino-pretty')
  return prettyFactory({
    colorize: isatty(2) && process.env.NO_COLOR === undefined,
    translateTime: 'SYS:HH:MM:ss.l',
    messageFormat: '{component}: {msg}',
    ignore: 'component',
  })
}
