// Prints the metadata that the Signal K project publishes, as the judge of ours.
//
//   WINDLASS_NPM_DIR=<folder with node_modules> node path-metadata.mjs
//
// One JSON document:
//   {"registry": {<pattern>: <metadata>},       what `@signalk/path-metadata` knows
//    "table":    {<pattern>: <metadata>},       the older table in `@signalk/signalk-schema`
//    "schema":   {<pattern>: {units?, enum?, properties?}}, what the JSON schemas there say about a vessel's paths
//    "lookups":  {<path>: <pattern> or null}}   for a path of each vessel pattern of the registry, with names in the
//                                               place of wildcards: the pattern whose metadata the registry answers
// Patterns of `registry` and `table` are as published; those of `schema` have dots, and `*` for a wildcard.

import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'

const packages = process.env.WINDLASS_NPM_DIR
if (!packages) {
  console.error('usage: WINDLASS_NPM_DIR=<folder with node_modules> node path-metadata.mjs')
  process.exit(2)
}

const require = createRequire(join(packages, 'package.json'))
const { metadataRegistry, getMetadata } = require('@signalk/path-metadata')
const registry = metadataRegistry.getAllMetadata()

const schemaPackage = require.resolve('@signalk/signalk-schema/package.json')
const table = JSON.parse(readFileSync(join(dirname(schemaPackage), 'dist/keyswithmetadata.json'), 'utf8'))

const patterns = new Map(Object.entries(registry).map(([pattern, metadata]) => [metadata, pattern]))
const lookups = {}
for (const pattern of Object.keys(registry)) {
  const path = pattern.match(/^\/vessels\/\*\/(.+)$/)?.[1]
  if (!path) continue
  const named = path.replace('(single)|([A-C])', 'B').replace('[A-Za-z0-9]+', 'saloon').replaceAll('RegExp', 'some1')
  const dotted = named.replaceAll('/', '.')
  lookups[dotted] = patterns.get(getMetadata(`vessels.self.${dotted}`)) ?? null
}

// The schemas refer to each other by relative addresses; the parser that their package uses resolves them. One that
// leads back to itself is left as it is: paths don't go on for ever.
const parser = createRequire(schemaPackage)('@apidevtools/json-schema-ref-parser')
const vesselFile = join(dirname(schemaPackage), 'schemas/vessel.json')
const vessel = await parser.dereference(vesselFile, { dereference: { circular: 'ignore' } })

/** The members of a leaf that are about the value and not below it. */
const OF_A_VALUE = new Set(['value', 'values', 'meta', 'timestamp', '$source', 'source', '_attr', 'pgn', 'sentence'])

/** A schema with the parts that it is composed of laid into it; what it says itself comes first. */
function whole(node) {
  let result = { ...node }
  for (const part of [...(node.allOf ?? []), ...(node.anyOf ?? []), ...(node.oneOf ?? [])].map(whole)) {
    const properties = { ...part.properties, ...result.properties }
    const patternProperties = { ...part.patternProperties, ...result.patternProperties }
    result = { ...part, ...result, properties, patternProperties }
  }
  return result
}

const schema = {}
function collect(node, path) {
  const { properties = {}, patternProperties = {}, ...leaf } = whole(node)
  const value = properties.value ? whole(properties.value) : {}
  const facts = {}
  for (const field of ['units', 'enum']) {
    const fact = value[field] ?? leaf[field]
    if (typeof fact === 'string' || Array.isArray(fact)) facts[field] = fact
  }
  if (value.properties) {
    const members = Object.entries(value.properties).map(([name, member]) => [name, whole(member)])
    facts.properties = Object.fromEntries(members.map(([name, { type, units }]) => [name, { type, units }]))
  }
  if (path) schema[path] = facts
  const below = (name) => (path ? `${path}.${name}` : name)
  for (const [name, child] of Object.entries(properties)) {
    if (!OF_A_VALUE.has(name) && child && typeof child === 'object') collect(child, below(name))
  }
  for (const child of Object.values(patternProperties)) collect(child, below('*'))
}
collect(vessel, '')

process.stdout.write(JSON.stringify({ registry, table, schema, lookups }))
