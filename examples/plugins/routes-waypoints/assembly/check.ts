// What makes a good resource: GeoJSON of the right kind with positions on this planet. The server checks
// too; a provider that trusts nobody also serves other servers.

import { elements, isObject, member, numberOf, textOf } from '../../shared/json'

/** Whether a text is a UUID of version 4, in small letters. */
export function isUuid(id: string): bool {
  if (id.length != 36) return false
  for (let i = 0; i < 36; i++) {
    const c = id.charAt(i)
    if (i == 8 || i == 13 || i == 18 || i == 23) {
      if (c != '-') return false
    } else if (!'0123456789abcdef'.includes(c)) {
      return false
    }
  }
  return id.charAt(14) == '4' && '89ab'.includes(id.charAt(19))
}

/** What is wrong with a route or waypoint; empty when nothing is. */
export function problem(value: string, isRoute: bool): string {
  if (!isObject(value)) return 'A resource must be a JSON object'
  const geometry = member(member(value, 'feature'), 'geometry')
  const type = textOf(member(geometry, 'type'))
  const coordinates = member(geometry, 'coordinates')
  if (!isRoute) {
    if (type != 'Point') return 'The feature.geometry of a waypoint must be of the type Point'
    return isPosition(coordinates) ? '' : 'The coordinates of a waypoint must be [longitude, latitude] in degrees'
  }
  if (type != 'LineString') return 'The feature.geometry of a route must be of the type LineString'
  const points = elements(coordinates)
  if (points.length < 2) return 'A route must have two points or more'
  for (let i = 0; i < points.length; i++) {
    if (!isPosition(points[i])) return `Point ${i + 1} of the route must be [longitude, latitude] in degrees`
  }
  return ''
}

/** Longitude and latitude, and perhaps a height. */
function isPosition(json: string): bool {
  const numbers = elements(json)
  if (numbers.length != 2 && numbers.length != 3) return false
  return Math.abs(numberOf(numbers[0])) <= 180.0 && Math.abs(numberOf(numbers[1])) <= 90.0
}
