// A resource provider: the server asks for routes and waypoints, and this plugin keeps them.
//
// This file has the exports that the server calls. What is kept is in `store`, what makes a good route or
// waypoint in `check`.

import { registerResourceProvider, setError, setStatus } from '@signalk/assemblyscript-plugin-sdk/assembly'
import { member, numberOf, quote, textOf } from '../../shared/json'
import { isUuid, problem } from './check'
import { ROUTE, ROUTE_ID, WAYPOINT, WAYPOINT_ID } from './samples'
import { Store } from './store'

const ROUTES = 'routes'
const WAYPOINTS = 'waypoints'

const routes = new Store()
const waypoints = new Store()
let filled: bool = false

/** The name shown to users. */
export function plugin_name(): string {
  return 'Routes and waypoints'
}

/** The JSON Schema of the configuration. */
export function plugin_schema(): string {
  return `{
  "type": "object",
  "properties": {
    "samples": { "type": "boolean", "title": "Begin with samples", "description": "Have one route and one waypoint at the first start", "default": true }
  }
}`
}

/** Starts with `length` UTF-8 bytes of configuration JSON; 0 is success, otherwise the error was set. */
export function plugin_start(config: usize, length: usize): i32 {
  const json = String.UTF8.decodeUnsafe(config, length)
  // After a change of the settings the same instance starts again, and what it has is kept.
  if (!filled && member(json, 'samples') != 'false') {
    routes.set(ROUTE_ID, ROUTE)
    waypoints.set(WAYPOINT_ID, WAYPOINT)
  }
  filled = true
  if (!registerResourceProvider(ROUTES) || !registerResourceProvider(WAYPOINTS)) {
    setError('The server did not accept the resource provider; is the capability "resourceProvider" granted?')
    return 1
  }
  showCounts()
  return 0
}

/** Stops; the server forgets the provider by itself. */
export function plugin_stop(): i32 {
  setStatus('Stopped')
  return 0
}

/** All resources of a type by their ids; with a query `limit` at most so many. */
export function resources_list_resources(query: string): string {
  const store = storeOf(query)
  if (store === null) return '{}'
  return store.list(numberOf(member(query, 'limit')))
}

/** One resource, or the part of it that `property` (`a.b.c`) names. */
export function resources_get_resource(request: string): string {
  const store = storeOf(request)
  if (store === null) return failure(unknownType(request))
  const id = idOf(request)
  let json = store.get(id)
  if (json.length == 0) return failure(unknownId(request))
  const property = textOf(member(request, 'property'))
  if (property === null || property.length == 0) return json
  const keys = property.split('.')
  for (let i = 0; i < keys.length; i++) json = member(json, keys[i])
  return json.length > 0 ? json : failure(`${id} has no ${property}`)
}

/** Keeps a resource. The answer is empty, or says what is wrong. */
export function resources_set_resource(request: string): string {
  const store = storeOf(request)
  if (store === null) return unknownType(request)
  const id = idOf(request)
  if (!isUuid(id)) return `${quote(id)} is no UUID of version 4`
  const value = member(request, 'value')
  const wrong = problem(value, store === routes)
  if (wrong.length > 0) return wrong
  if (!store.set(id, value)) return `There is no room: at most ${Store.MOST} ${typeOf(request)} with ${Store.MOST_CHARACTERS} characters`
  showCounts()
  return ''
}

/** Forgets a resource. The answer is empty, or says what is wrong. */
export function resources_delete_resource(request: string): string {
  const store = storeOf(request)
  if (store === null) return unknownType(request)
  if (!store.delete(idOf(request))) return unknownId(request)
  showCounts()
  return ''
}

function storeOf(request: string): Store | null {
  const type = typeOf(request)
  if (type == ROUTES) return routes
  return type == WAYPOINTS ? waypoints : null
}

function typeOf(request: string): string {
  const type = textOf(member(request, 'resourceType'))
  return type === null ? '' : type
}

/** UUIDs are the same in capital letters. */
function idOf(request: string): string {
  const id = textOf(member(request, 'id'))
  return id === null ? '' : id.toLowerCase()
}

function unknownType(request: string): string {
  return `This provider has routes and waypoints, but no ${quote(typeOf(request))}`
}

function unknownId(request: string): string {
  return `There is no ${quote(idOf(request))} among the ${typeOf(request)}`
}

function failure(message: string): string {
  return `{"error":${quote(message)}}`
}

function showCounts(): void {
  setStatus(`${routes.size} routes, ${waypoints.size} waypoints`)
}
