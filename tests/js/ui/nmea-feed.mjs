// A device on the network that speaks NMEA 0183: listens on loopback, and tells everybody who connects a position, a
// speed and a depth, again and again.

import { createServer } from 'node:net'

/** ms between two rounds of sentences. */
const PERIOD = 200

/** The sentence with its start, checksum and end. */
export function sentence(body) {
  const sum = [...body].reduce((value, letter) => value ^ letter.charCodeAt(0), 0)
  return `$${body}*${sum.toString(16).toUpperCase().padStart(2, '0')}\r\n`
}

/** Starts a feed; `talker` is what its sentences begin with, `knots` its speed. */
export async function startFeed({ talker = 'GP', knots = 6, port = 0 } = {}) {
  const peers = new Set()
  const server = createServer((peer) => {
    peers.add(peer)
    peer.on('close', () => peers.delete(peer))
    // Whoever is gone is gone.
    peer.on('error', () => peer.destroy())
    peer.resume()
  })
  await new Promise((resolve, reject) => server.once('error', reject).listen(port, '127.0.0.1', resolve))
  const timer = setInterval(() => {
    const now = new Date().toISOString()
    const time = `${now.slice(11, 19).replaceAll(':', '')}.00`
    const date = `${now.slice(8, 10)}${now.slice(5, 7)}${now.slice(2, 4)}`
    const lines = [
      sentence(`${talker}RMC,${time},A,5952.000,N,01045.500,E,${knots}.0,84.4,${date},,`),
      sentence(`${talker}GGA,${time},5952.000,N,01045.500,E,1,09,0.9,2.0,M,39.0,M,,`),
      sentence('SDDBT,7.8,f,2.4,M,1.3,F'),
    ]
    for (const peer of peers) peer.write(lines.join(''))
  }, PERIOD)
  return {
    port: server.address().port,
    /** How many are connected. */
    peers: () => peers.size,
    /** Is gone, as when somebody pulls the plug. */
    stop: () =>
      new Promise((resolve) => {
        clearInterval(timer)
        for (const peer of peers) peer.destroy()
        server.close(resolve)
      }),
  }
}
