import { InvalidArgumentError } from 'commander'

/** Reads `--rounds`. Medians of fewer than `least` say nothing. */
export function parseRounds(least: number) {
  return (text: string): number => {
    const rounds = Number(text)
    if (Number.isInteger(rounds) && rounds >= least && rounds <= 1000) return rounds
    throw new InvalidArgumentError(`rounds are a whole number from ${least} to 1000`)
  }
}
