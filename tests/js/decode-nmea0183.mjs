// Decodes a file of NMEA 0183 lines with the published decoder `@signalk/nmea0183-signalk`, as the judge of ours.
//
//   WINDLASS_NPM_DIR=<folder with node_modules> node decode-nmea0183.mjs <file> [<time>]
//
// Prints one JSON document per input line: {"line": number from 1, "delta": object or null, "error": text if refused}.
// With a time (ISO 8601) the decoder's clock stands still at it, so that what it makes of sentences without a date can
// be compared.

import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'

const [file, time] = process.argv.slice(2)
const packages = process.env.WINDLASS_NPM_DIR
if (!file || !packages) {
  console.error('usage: WINDLASS_NPM_DIR=<folder with node_modules> node decode-nmea0183.mjs <file> [<time>]')
  process.exit(2)
}

if (time) {
  const instant = Date.parse(time)
  if (Number.isNaN(instant)) {
    console.error(`${time} is not a time in ISO 8601`)
    process.exit(2)
  }
  const RealDate = Date
  globalThis.Date = class extends RealDate {
    constructor(...parts) {
      super(...(parts.length ? parts : [instant]))
    }
    static now() {
      return instant
    }
  }
}

const decoder = createRequire(join(packages, 'package.json'))('@signalk/nmea0183-signalk')
const Parser = decoder.default ?? decoder
const parser = new Parser({ validateChecksum: true })

const lines = readFileSync(file, 'utf8').split(/\r?\n/)
if (lines.at(-1) === '') lines.pop()

let answers = []
const flush = () => {
  process.stdout.write(answers.join(''))
  answers = []
}
lines.forEach((text, index) => {
  const answer = { line: index + 1, delta: null }
  try {
    answer.delta = parser.parse(text) ?? null
  } catch (error) {
    answer.error = String(error?.message ?? error)
  }
  answers.push(`${JSON.stringify(answer)}\n`)
  if (answers.length === 5000) flush()
})
flush()
