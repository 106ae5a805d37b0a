// The smallest complete plugin: it says hello in its status, counts seconds in a delta, and answers two
// HTTP requests.

import { createSimpleDelta, emit, setStatus } from '@signalk/assemblyscript-plugin-sdk/assembly'
import { member, quote, textOf } from '../../shared/json'

const NAME = 'Hello AssemblyScript'
const PATH = 'plugins.hello.seconds'
const GREETING = 'Hello'

let greeting: string = GREETING
let seconds: i32 = 0

/** The name shown to users. */
export function plugin_name(): string {
  return NAME
}

/** The JSON Schema of the configuration. */
export function plugin_schema(): string {
  return `{
  "type": "object",
  "properties": {
    "greeting": { "type": "string", "title": "Greeting", "description": "How the plugin says hello", "default": "${GREETING}" }
  }
}`
}

/** Starts with `length` UTF-8 bytes of configuration JSON; 0 is success. */
export function plugin_start(config: usize, length: usize): i32 {
  const configured = textOf(member(String.UTF8.decodeUnsafe(config, length), 'greeting'))
  greeting = configured === null ? GREETING : configured
  seconds = 0
  setStatus(`${greeting} from AssemblyScript`)
  return 0
}

/** Stops; there is nothing to give back. */
export function plugin_stop(): i32 {
  setStatus('Stopped')
  return 0
}

/** Called once a second. */
export function poll(): i32 {
  seconds++
  emit(createSimpleDelta(PATH, seconds.toString()))
  return 0
}

/** The endpoints below `/plugins/<plugin id>`. */
export function http_endpoints(): string {
  return `[{"method":"GET","path":"/api/info","handler":"handle_get_info"},{"method":"GET","path":"/api/status","handler":"handle_get_status"}]`
}

/** `GET /api/info?name=…`: greets by name. The request is `length` bytes of UTF-8. */
export function handle_get_info(request: usize, length: usize): string {
  const query = member(String.UTF8.decodeUnsafe(request, length), 'query')
  const given = textOf(member(query, 'name'))
  const name: string = given === null ? 'sailor' : given
  return answer(`{"name":"${NAME}","language":"AssemblyScript","greeting":${quote(`${greeting}, ${name}!`)}}`)
}

/** `GET /api/status`: how long the plugin has been running, and the path of its delta. */
export function handle_get_status(_request: usize, _length: usize): string {
  return answer(`{"running":true,"seconds":${seconds},"path":"${PATH}"}`)
}

/** An HTTP response with this JSON; servers take a body as text. */
function answer(json: string): string {
  return `{"statusCode":200,"headers":{"Content-Type":"application/json"},"body":${quote(json)}}`
}
