/** Numbers as people read them in a table: never more than six characters. */

const units = ['', 'k', 'M', 'G', 'T', 'P', 'E']

/** 1234567 → `1.23M`. Whole numbers below 1000 keep all digits. */
export function formatCount(value: number): string {
  let rest = value
  let unit = 0
  while (rest >= 999.5 && unit < units.length - 1) {
    rest /= 1000
    unit++
  }
  if (unit === 0) return rest === 0 || rest >= 9.95 || Number.isInteger(rest) ? rest.toFixed(0) : rest.toFixed(1)
  return `${rest.toFixed(rest < 9.995 ? 2 : rest < 99.95 ? 1 : 0)}${units[unit]}`
}

export function formatBits(value: number): string {
  return `${formatCount(value)}bit`
}

/** 0.4567 → `46%`. */
export function formatShare(value: number): string {
  return `${(value * 100).toFixed(0)}%`
}

/** 3725 → `1h02m`. */
export function formatDuration(seconds: number): string {
  const whole = Math.floor(seconds)
  const [days, hours, minutes] = [Math.floor(whole / 86400), Math.floor(whole / 3600) % 24, Math.floor(whole / 60) % 60]
  const two = (value: number): string => String(value).padStart(2, '0')
  if (days > 0) return `${days}d${two(hours)}h`
  if (hours > 0) return `${hours}h${two(minutes)}m`
  return minutes > 0 ? `${minutes}m${two(whole % 60)}s` : `${whole}s`
}
